//go:build !linux

package keeper

import "os"

// executable is this program. It must not be replaced by another while keepers run.
func executable() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// NameProcess does nothing: the process bears the name of its file.
func NameProcess() {}
