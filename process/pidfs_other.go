//go:build !linux

package process

// ownPIDFDInode: there are no pidfds.
func ownPIDFDInode() (uint64, bool) { return 0, false }
