// Package task runs the short commands that users have tend run beside their services: checks, stop commands, hooks.
//
// A command is a line for /bin/sh. It gets an environment, a directory and a stdin, and what it writes comes back, the end
// of it. It is a child of the supervisor, not of the keepers, so that it can neither be mistaken for what a service left
// behind, nor hold the keepers up.
//
// # Its tree
//
// A command bears a mark, and has a TEND_RUN, of its own (see package process), and with it whatever it starts, in whatever
// session. A command that takes too long, or that nobody wants any more, is ended with all its tree: first what descends from
// it, then whatever one look at all processes finds. One look serves all commands that wait for one. What a command that has
// ended by itself has left in the background is left alone.
//
// # Our death
//
// Before a command is started its id is written to a file, which is emptied when no command runs. When the supervisor is
// killed, the next one finds the ids there, and ends what bears them. So a hanging check does not outlive its supervisor for
// long, and no second copy of it stays.
package task
