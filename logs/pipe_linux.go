package logs

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// NewPipe makes a pipe, by way of a name that it has for a moment, and goes on to have in /proc. The end for the service is
// open for reading as well: it is a reader itself, and never gets SIGPIPE, whoever of us dies. It belongs to an open file
// of its own, so that nothing that we do to the other end changes how the service writes. Where there can be no such name,
// in a directory that somebody has removed for instance, it has none.
func NewPipe(name string) (service, read *os.File, err error) {
	_ = unix.Unlink(name)
	if err := unix.Mkfifo(name, 0o600); err != nil {
		return newNamelessPipe()
	}
	defer unix.Unlink(name)
	in, err := unix.Open(name, unix.O_RDWR|pipeFlags, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("opening a pipe for output: %w", err)
	}
	out, err := unix.Open(name, unix.O_RDONLY|pipeFlags, 0)
	if err != nil {
		unix.Close(in)
		return nil, nil, fmt.Errorf("opening a pipe for output: %w", err)
	}
	return os.NewFile(uintptr(in), name), os.NewFile(uintptr(out), name), nil
}

const pipeFlags = unix.O_CLOEXEC | unix.O_NOCTTY

func newNamelessPipe() (service, read *os.File, err error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("making a pipe for output: %w", err)
	}
	in, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", ends[1]), unix.O_RDWR|pipeFlags, 0)
	unix.Close(ends[1])
	if err != nil {
		unix.Close(ends[0])
		return nil, nil, fmt.Errorf("opening a pipe for output: %w", err)
	}
	return os.NewFile(uintptr(in), "pipe"), os.NewFile(uintptr(ends[0]), "pipe"), nil
}

// OpenPipe opens the reading end of the pipe that a process has open there, for example /proc/PID/fd/1.
func OpenPipe(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a pipe of output: %w", err)
	}
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFIFO {
		unix.Close(fd)
		return nil, fmt.Errorf("opening a pipe of output: %s is none: %w", path, err)
	}
	_ = unix.SetNonblock(fd, false) // or the runtime would wait for it as well
	return os.NewFile(uintptr(fd), path), nil
}

// CanPump returns an error that is ErrNoPump where the log cannot be the end of the pipe. It must exist.
func CanPump(source Source) error {
	path := source.Path
	if writtenByOthers(source) {
		return fmt.Errorf("%w: somebody writes into %s", ErrNoPump, path)
	}
	fd, err := unix.Open(path, sinkFlags, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return err
	}
	defer unix.Close(ends[0])
	defer unix.Close(ends[1])
	var nowhere int64
	_, err = unix.Splice(ends[0], nil, fd, &nowhere, 1, unix.SPLICE_F_NONBLOCK)
	if errors.Is(err, unix.EAGAIN) { // the pipe is empty, and nothing else is in the way
		return nil
	}
	return fmt.Errorf("%w: splice(2) into %s: %w", ErrNoPump, path, err)
}

const (
	writerLook     = 2 * time.Millisecond
	writerPatience = 250 * time.Millisecond
)

// writtenByOthers reports whether some process has the log open for writing, as far as can be told, and keeps it open. A
// child that is being started has what we had open for the moment until it executes its program, also a descriptor that we have
// closed meanwhile; nobody tells when it has done so.
func writtenByOthers(source Source) bool {
	for until := time.Now().Add(writerPatience); isWritten(source); time.Sleep(writerLook) {
		if time.Now().After(until) {
			return true
		}
	}
	return false
}

// isWritten reports that of this moment. Of a service's own log nobody else knows, so a lease is enough.
func isWritten(source Source) bool {
	path := source.Path
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	_ = unix.SetNonblock(fd, false) // or the runtime would wait for it as well
	file := os.NewFile(uintptr(fd), path)
	defer file.Close()
	who := whoWrites(file)
	return who == writersSome || who == writersUnknown && !source.Own && isOpenToWrite(path)
}
