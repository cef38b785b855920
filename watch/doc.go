// Package watch tells when files have changed for which services are restarted.
//
// All of them are watched by the one inotify instance that the keepers hand down (see package keeper), directory by
// directory, by one goroutine; while no service asks for it there is neither. What is wanted is looked at as a whole when it
// begins, so what changed before anybody watched is news as well, and again whenever directories come or go.
//
// A burst of changes is one piece of news: it is told when nothing has changed for a moment. It says when the last change was,
// by the clock of the file system, so that what a service did as it ended is not held against its next run.
package watch
