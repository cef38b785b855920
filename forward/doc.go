// Package forward sends what services write on to programs that insist on getting it: a syslog or a command.
//
// It stands outside the path of the output. A service writes into its log as ever; a forwarder, one goroutine for each
// log that is sent on, reads the log's stream after it and hands it to a sink. Whatever becomes of the sink, the service
// does not notice, and neither does the supervisor's loop.
//
// # What is sent when
//
// A forwarder sleeps until somebody says that the log has grown. Then it sends what is there, line by line; a last line
// without an end is given a second to get one. At most one batch is in memory, however much waits to be sent: that is
// in the log. What the log has dropped meanwhile, by rotation, is told of in the history.
//
// # What is never lost, and what comes twice
//
// The cursor says up to where the log was sent. It stands in a file beside the log, which is written at most once a
// second, so that a supervisor that is killed leaves one that is at most that old: the next one sends those lines once
// more, and none is left out. What a command has not read from its pipe does not count as sent: when the command ends, or
// we do, that is sent once more to the next one. What a command has read is its own. A syslog acknowledges nothing: what
// the kernel has taken for it counts as sent.
//
// # Commands
//
// A command is a child of the supervisor, not of the keepers, so that it can neither be mistaken for what a service left
// behind, nor hold the keepers up. When the supervisor dies, the pipe to the command ends, and the command is to end when it
// has read what is left. The next supervisor finds it named beside the cursor, waits for that end before it starts
// another, and ends it where it does not come.
package forward
