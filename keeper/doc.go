// Package keeper keeps one child alive and writes down how every process below it ends.
//
// It is one small program that runs twice, one above the other:
//
//	tend keep DIR              outer keeper: its child is the inner keeper, or, for a moment, a supervisor
//	 └ tend keep --inner DIR   inner keeper: its child is the supervisor; the parent of every service
//	    ├ tend supervise DIR   replaceable at any moment
//	    └ service …            the inner keeper's children from birth (CLONE_PARENT)
//
// It opens no database and no socket and reads no configuration: all it knows is the runtime directory DIR.
//
// # What a keeper does
//
// A keeper is in one of three states. While its child lives, it waits for a signal. When the child ends in any way but
// with status 0, it pauses, mostly for no time at all (see pauses), and starts the child again. When the child ends
// with status 0, it ended on purpose and is not started again: the keeper lingers until nothing is left below it, and
// ends with status 0 too. An inner keeper lingers only where there is no outer one left to do so.
//
// In all three states it buries what dies below it. It is a child subreaper, so whatever loses its parent falls to it.
// It looks at a dead process without reaping it (waitid with WNOWAIT), takes its start time and its run's mark from
// /proc, appends one [Record] to the exit journal, and only then reaps it. Where the record cannot be written, because
// the disk is full, the process is not reaped: it stays a zombie, whose /proc/PID/stat goes on telling its exit status,
// and the keeper tries again on the next death and after a pause. Only the child it keeps is reaped all the same, for
// supervision must not wait for a disk. The supervisor empties the journal with [EmptyJournal] when it has read it. A
// journal holds only what was written in this boot and this pid namespace; others' records are skipped by the reader.
//
// # Leaving
//
// SIGTERM to a keeper says: stop every service in order, leave, and forget nothing of what is wanted. The outer keeper
// passes it on to the inner one, the inner one sends the supervisor SIGUSR1. The wish outlives both: a child that is
// started after it gets --leave, and because a child that has only just been executed may not hear a signal yet, the
// signal is repeated, ever more slowly, until the child has ended. A keeper that has been told to leave does not
// linger: what is left below it when its child has ended on purpose could not be stopped.
// SIGINT, SIGQUIT and the like are caught and dropped.
//
// SIGHUP says that somebody has removed files from the runtime directory, or all of it: a keeper looks whether the chain's
// lock is still where everybody looks for it, and takes it again where it is not. The supervisor says so, which watches the
// directory, and Launch, where it finds no lock, or one that says of no chain that it was started: see recall.
//
// # Being stopped
//
// Somebody may stop one of us, by mistake. A keeper hears of its child's being stopped as it hears of its end, and sends it
// SIGCONT. Nobody is told of the outer keeper: a command that waits for an answer looks after all three, see [WakeWhile],
// and so does a supervisor that has lost its keeper.
//
// # A lost outer keeper
//
// The outer keeper alone has the end to write of a pipe, the lifeline, whose other end the inner one has. When it ends, and
// the inner keeper's parent is another, the inner one takes the outer one's place: it sends the supervisor SIGTERM, so that
// it ends with ExitReplace, and from then on keeps an inner keeper, which starts the next supervisor. It also executes its
// program anew, with the arguments of an outer keeper, so that everybody sees what it is (see become): it stays the same
// process and knows what it knew. What it is the parent of stays where it is.
//
// # Another program
//
// SIGUSR2 to a keeper says: execute the program that the file upgrade in DIR names, in your own place. The process stays,
// and with it its children, its being a subreaper and the descriptors that it hands on; what else it knows it tells the
// program by TEND_STATE (see become). Signals are blocked meanwhile, and the dead wait to be reaped. If the program cannot be
// executed, the keeper goes on with the one that it has, and says so. Then it asks its child: the outer keeper passes the
// signal on to the inner one, and that has the supervisor give way, unless they run the program already. So the signal may
// be repeated, and [Upgrade] does, until everybody runs it.
//
// # Locks and descriptors
//
//	start.lock    held, exclusively, by a command during Launch: one chain is started at a time.
//	keepers.lock  held, shared, by the chain: Launch takes it, and outer and inner keeper inherit that one open file
//	              (TEND_KEEPERS_FD). It is free when the last keeper of the chain is gone, or lingers: then the chain
//	              can start nothing any more, and the next Launch makes another. The supervisor never gets it.
//	lock          held, exclusively, by the supervisor, which takes it by itself before it opens the database and
//	              drops it by ending. Keepers never touch it.
//	DIR itself    held, shared, by every keeper: systemd-tmpfiles leaves alone what is locked.
//	notices       TEND_NOTICE_FD: an inotify instance, made by the outer keeper for the supervisor; see notice_linux.go.
//	shelf         TEND_SHELF_IN_FD, TEND_SHELF_OUT_FD: a pair of sockets in which a supervisor leaves open files for the
//	              next one; see shelf_linux.go. Made by the outer keeper, as notices are. DIR/shelf is a socket at which a
//	              supervisor without keepers offers theirs to a chain that others start; see offer_linux.go.
//	lifeline      TEND_OUTER_FD: the inner keeper's end of a pipe; see above. The outer keeper makes one for each child.
//	TEND_KEEPER   no descriptor, but handed on like one: the pid of the keeper that started the process.
//	ready pipe    TEND_READY_FD: from Launch through both keepers to the first supervisor only; each keeper closes
//	              its own copy as soon as its first child exists. One line comes back, see [ReportReady].
//
// All of them are flocks on close-on-exec descriptors: the kernel drops them with the last process that has them.
//
// # What the supervisor owes
//
// It calls process.CloseInherited and [NameProcess], asks for its signals, takes the lock, and listens. It gives no
// service any of the variables above. It calls [ReportReady] once it listens, or with the error because of which it
// cannot; then it ends with status 0, for starting it again would not help. It ends with status 0 only when nothing is
// to be supervised any more. To be replaced (SIGTERM) it dies of SIGTERM or ends with [ExitReplace]; every other end
// counts as a crash and is followed by pauses. It begins to stop everything when it gets SIGUSR1, once or often, or was
// started with --leave. When its parent is no longer the keeper that started it, it ends with ExitReplace: another
// keeper is starting another supervisor, which waits for the lock. To see that without polling, it opens a pidfd of the
// keeper that [Parent] names first, and has Parent compare after.
//
// # What a crash leaves behind
//
//   - Supervisor: its socket file, which refuses connections until the next one renames its own over it. The inner
//     keeper starts the next one; services are not touched.
//   - Inner keeper: services and the supervisor become the outer keeper's children, which buries them from then on and
//     starts another inner keeper with another supervisor. That waits for the lock, which the old one drops as it gives way.
//     New services are two levels deep again, the older ones one.
//   - Inner keeper between writing a record and reaping: the zombie falls to the outer one, which records it again.
//     Readers tell records apart by identity and take the first.
//   - Inner keeper in the middle of writing: the rest of a record, which readers step over; the zombie as before.
//   - Outer keeper: the inner one takes its place. Services that run already have one keeper above them, which is the
//     outer one now, and new ones have two.
//   - The inner keeper as it takes that place: as if both had been killed.
//   - Both keepers: services and supervisor live on below init; the supervisor sees that its parent has changed. The
//     chain's lock is free, so that Launch makes another. The supervisor calls it too, and hands the shelf down; where
//     somebody else was faster, the next supervisor copies what is on it, before the old one, which waits until somebody
//     answers, has ended.
//   - Launch after it has started the chain: the chain goes on; its lock is held from before its first process, so that
//     the next Launch waits for it and starts no second one.
//   - Launch before that: nothing but free lock files.
package keeper
