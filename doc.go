// Package tend is the domain of tend, a process manager for people without root: what a service is, what state it can
// be in, and what is done when something happens to it.
//
// It knows nothing of processes, files, databases, sockets or the clock. Everything that happens outside comes in as
// an [Event], everything that is to be done outside goes out as an [Action], and [Decide] leads from one to the other.
//
// # Map
//
//	cmd/tend     main
//	cli          what people type and what they see
//	api          HTTP and JSON on a unix socket, server and client
//	supervisor   the loop: events in, Decide, actions out; recovery
//	forward      a copy of the output for a syslog or a command
//	listen       the sockets that are opened for services
//	hook         what commands and addresses are told of events
//	watch        when files have changed for which services are restarted
//	task         short commands of the users: checks, hooks
//	probe        whether services are ready and healthy
//	notify       what services tell by sd_notify, or by a line in a pipe
//	manifest     tend.toml in and out, its schema, and a Procfile in
//	store        the SQLite database
//	keeper       keep one child alive, write every exit down before it is reaped
//	process      spawn, identity, watch, tree
//	logs         where output goes and how it is read
//	environment  the files that variables of a service stand in
//	tend         the domain (this package)
//
//	internal/fault     points at which a test has a process of tend die
//	internal/campaign  real services, while tend's own processes are killed
//	internal/e2e       the promises, tried on real programs
//	internal/house     how this house looks, as tests
//	internal/readme    what the README has a newcomer type, typed
//	internal/testenv   what tests need of the machine
//
//	bench              what tend costs
//
// Imports go down this list only.
//
// # Processes
//
//	tend keep                outer keeper: keeps the inner one alive
//	 └ tend keep             inner keeper: keeps the supervisor alive; the parent of every service
//	    ├ tend supervise     the supervisor; replaceable at any moment
//	    ├ service            its own session; output straight into a file
//	    └ service …
//
// The supervisor starts services with CLONE_PARENT, so they are the inner keeper's children from birth, and a
// supervisor that takes over from a dead one finds nothing changed.
//
// # Promises
//
//   - The death of any of tend's own processes stops no service, starts no second copy and loses no exit status.
//   - Nor does the death of all of them at once: the next command takes the services back.
//   - A pid is never trusted by its number: see [Identity].
//   - A stop ends the whole tree of a service, and names what survived.
//   - What a command acknowledged is in the database.
//   - Upgrading, replacing or deleting the binary touches no running service.
//   - Bad input changes nothing and is answered by one clear error: see [Error].
//   - Nobody else gets in: files 0600, directories 0700, a unix socket that checks its peer.
//   - Idle costs nothing: no polling.
package tend
