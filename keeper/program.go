package keeper

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"tend"
)

// Program is an executable file. Two processes run the same program if it is the same file, whatever its name is by now.
type Program struct {
	Path   string `json:"path"`
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
}

func (p Program) same(other Program) bool { return p.Device == other.Device && p.Inode == other.Inode }

// programAt is the program that the file is.
func programAt(file string) (Program, error) {
	info, err := os.Stat(file)
	if err != nil {
		return Program{}, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Program{}, fmt.Errorf("reading the inode of %s: %w", file, os.ErrInvalid)
	}
	return Program{file, uint64(stat.Dev), stat.Ino}, nil
}

// Current returns the program of this process, with the path by which others can execute it.
func Current() (Program, error) {
	path, err := os.Executable()
	if err != nil {
		return Program{}, tend.Errorf(tend.CodeFailed, "finding this program: %w", err)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return Program{}, gone(path)
	}
	own, err := programOf(os.Getpid())
	if err != nil {
		return Program{}, tend.Errorf(tend.CodeFailed, "finding this program: %w", err)
	}
	at, err := programAt(path)
	if err != nil || !at.same(own) {
		return Program{}, gone(path)
	}
	return at, nil
}

func gone(path string) error {
	return tend.Errorf(tend.CodeFailed, "the file of this program, %s, was removed or replaced meanwhile", path).
		WithHint("put it in place and try again")
}

// RunsAs reports whether the process runs the program; false where that cannot be known.
func (p Program) RunsAs(pid int) bool {
	its, err := programOf(pid)
	return err == nil && its.same(p)
}
