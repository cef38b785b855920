package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"tend"
)

// OpenInput opens what a service reads from; "" is /dev/null. It never waits: a named pipe is opened for writing as
// well, so that a service waits for input there, instead of us for a writer.
func OpenInput(path string) (*os.File, error) {
	if path == "" {
		path = os.DevNull
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, cannotRead(path, err)
	}
	access := os.O_RDONLY
	switch mode := info.Mode(); {
	case mode.IsDir():
		return nil, cannotRead(path, syscall.EISDIR)
	case mode&fs.ModeNamedPipe != 0:
		access = os.O_RDWR
	}
	file, err := os.OpenFile(path, access|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, cannotRead(path, err)
	}
	if err := syscall.SetNonblock(int(file.Fd()), false); err != nil { // see Open
		_ = file.Close()
		return nil, cannotRead(path, err)
	}
	return file, nil
}

// cannotRead says what is in the way of reading from path, and what to do.
func cannotRead(path string, err error) error {
	what, hint := reason(err), "name a file that you may read"
	switch {
	case errors.Is(err, syscall.EISDIR):
		what, hint = "it is a directory", "name a file in it"
	case errors.Is(err, syscall.ENXIO):
		what, hint = "it is a socket", "name a file"
	case errors.Is(err, fs.ErrNotExist):
		what, hint = "there is no such file", fmt.Sprintf("touch %s", path)
	}
	e := tend.Errorf(tend.CodeFailed, "cannot read input from %q: %s", path, what).WithHint("%s", hint)
	e.Err = err
	return e
}
