//go:build !linux

package process

import (
	"errors"
	"os"

	"tend"
)

// ownPIDFDInode: there are no pidfds.
func ownPIDFDInode() (uint64, bool) { return 0, false }

// InodeOf knows of none.
func InodeOf(tend.Identity) (uint64, bool) { return 0, false }

// PIDOf fails.
func PIDOf(*os.File) (int, error) { return 0, errors.New("there are no descriptors of processes here") }
