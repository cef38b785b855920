//go:build !linux

package keeper

import (
	"errors"
	"os"
)

// executable is this program. It must not be replaced by another while keepers run.
func executable() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// programOf cannot be had: nothing tells which file a process was executed from.
func programOf(int) (Program, error) { return Program{}, errors.ErrUnsupported }

// NameProcess does nothing: the process bears the name of its file.
func NameProcess() {}
