//go:build !linux

package process

// Limits of other processes cannot be read here.

func markOf(string) uint64           { return 0 }
func bearMark([]string) (lay func()) { return func() {} }
func readMark(int) uint64            { return 0 }

// Unmark does nothing: there are no marks here.
func Unmark() {}
