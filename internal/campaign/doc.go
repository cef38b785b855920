// Campaign is a fault campaign against tend: it has real services supervised, kills the processes of tend at every
// moment that there is, and checks all the while that nothing of the services suffers by it.
//
//	go run ./internal/campaign -kills 10000     the full campaign, about ten minutes
//	go test ./internal/campaign                 the short form, and that each check can fail
//
// # What runs
//
// The services are this program itself in the role of a service (service_linux.go), of every kind in the table of kinds
// (kind_linux.go). Each run tells by means that do not need tend what it is and how it ends: it holds a lock that its
// children inherit, writes a record of its beginning and of its end, and counts the lines it has written.
//
// Some have to do with each other, and are commanded by one worker (group_linux.go): copies (copies_linux.go), some of which share a
// socket to which clients connect all the time (load_linux.go), and services that depend on each other (linked_linux.go).
//
// # What happens
//
// Workers give commands, one after the other, as a user would (work_linux.go, once_linux.go). The killer kills any subset of the
// outer keeper, the inner keeper and the supervisor, one at a time or in bursts (kill_linux.go), and has them die at the
// named points of package fault (point_linux.go). Points that only an empty or an old database leads to are reached in
// trials of their own (trial_linux.go).
//
// # What is checked
//
//   - No second copy: a run that does not get its service's lock says so, with the run that has it.
//   - Nobody died: what lives long is the same process as before, unless a command was given.
//   - Every line once: the log of a service has each line that was counted, once and in order, and nothing else, however often it is rotated.
//   - Every exit status: the run in the database ended as its own record says; each record has its run, each run its
//     record.
//   - Wanted is wanted: the list shows what was last commanded, and what is to be restarted is. What a command has acknowledged is so when it returns.
//   - Ready once it has said so, whoever was dead at that moment (telling_linux.go); never ended by a watchdog that it served; and what
//     it has had kept is there again after a restart (kept_linux.go).
//   - In order: nothing begins before what it requires has been ready, nothing is told to end before those have that need it (order_linux.go).
//   - Nobody who connects is refused or left without an answer, but while the service is stopped.
//   - No time of a job is run twice (job_linux.go), and who waits for one run is told how that has ended.
//   - Nobody else was signalled: bystanders, some of which look like a process of tend or a service, get nothing.
//   - Supervision is back within two seconds of each kill, and no command notices.
//   - In the end everything stops, and nothing is left.
//
// It ends with status 1 where any of this does not hold, and leaves the directory there; also where nothing was seen, where
// there were fewer kills than asked for or, with 2000 and more, where nothing has died at one of the points.
package main
