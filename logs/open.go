package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"tend"
)

// Open opens a file for a service to write its output to, whatever it holds already staying there: every write goes to
// the end, whoever else writes. A file that did not exist has exactly the permissions perm, whatever the umask is.
// Devices such as /dev/null will do as well; directories, pipes and sockets will not, and none of them makes us wait.
// It does not become our controlling terminal.
func Open(path string, perm os.FileMode) (*os.File, error) {
	file, err := openOrCreate(path, openFlags, perm)
	if err != nil {
		return nil, cannotWrite(path, err)
	}
	info, err := file.Stat()
	if err == nil && !writable(info.Mode()) {
		err = errKind
	}
	if err == nil {
		// The service inherits the description with its flags, and few programs expect a write that would block to fail.
		err = syscall.SetNonblock(int(file.Fd()), false)
	}
	if err != nil {
		_ = file.Close()
		return nil, cannotWrite(path, err)
	}
	return file, nil
}

// openFlags: without O_NONBLOCK the opening of a pipe waits for a reader, and that of a serial line for a carrier.
const openFlags = os.O_WRONLY | os.O_APPEND | syscall.O_NOCTTY | syscall.O_NONBLOCK

func openOrCreate(path string, flags int, perm os.FileMode) (*os.File, error) {
	file, err := os.OpenFile(path, flags, 0)
	if !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	file, err = os.OpenFile(path, flags|os.O_CREATE|os.O_EXCL, perm)
	if errors.Is(err, fs.ErrExist) { // a symbolic link to nothing yet, or somebody was faster
		return os.OpenFile(path, flags|os.O_CREATE, perm)
	}
	if err != nil {
		return nil, err
	}
	if err := file.Chmod(perm); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// errKind is the cause where a file is of a kind that output cannot be written to.
var errKind = errors.New("neither a file nor a device")

func writable(mode os.FileMode) bool {
	return mode.IsRegular() || mode&os.ModeCharDevice != 0
}

// cannotWrite says what is in the way of writing to path, and what to do.
func cannotWrite(path string, err error) error {
	because := func(what string) *tend.Error {
		e := tend.Errorf(tend.CodeFailed, "cannot write output to %q: %s", path, what)
		e.Err = err
		return e
	}
	directory := filepath.Dir(path)
	switch {
	case errors.Is(err, syscall.EISDIR):
		return because("it is a directory").WithHint("name a file in it")
	case errors.Is(err, errKind), errors.Is(err, syscall.ENXIO):
		return because("it is a pipe or a socket").WithHint("name a file")
	case errors.Is(err, fs.ErrNotExist):
		return because(fmt.Sprintf("there is no directory %q", directory)).WithHint("mkdir -p %s", directory)
	case errors.Is(err, syscall.ENOTDIR):
		return because("part of the path is not a directory").WithHint("name a file in a directory that exists")
	case errors.Is(err, fs.ErrPermission):
		return because("permission denied").WithHint("name a file that you may write to")
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return because(reason(err)).WithHint("make room and try again: df -h %s; df -i %s", directory, directory)
	}
	return because(reason(err))
}

// reason is the bare cause of an error about a file: our own message names the path already.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
