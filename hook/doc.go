// Package hook tells commands and addresses what happens to services.
//
// What is to be told is read from the history, in order, after a cursor: the id of the last event that a hook was told of,
// in a file. So it needs no memory, waits for nobody, and outlives whatever dies: an event that was told and not noted is told
// once more, with the same id, and none is left out unless the history has forgotten it.
//
// Each hook has a goroutine while there is something to tell. A hook that is down holds up nothing but itself.
package hook
