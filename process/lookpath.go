package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// defaultPath is searched for services that have no PATH of their own.
const defaultPath = "/usr/local/bin:/usr/bin:/bin"

// LookPath finds the program that a service with this working directory and this PATH means by the name. A name with a
// slash in it is relative to the directory; any other is looked for in the PATH, whose relative entries are relative to
// the directory as well. The error is a *StartError.
func LookPath(name, dir, path string) (string, error) {
	if strings.Contains(name, "/") {
		file := from(dir, name)
		if err := executable(file); err != nil {
			return "", &StartError{Step: StepExecute, Path: name, Err: err}
		}
		return file, nil
	}
	if path == "" {
		path = defaultPath
	}
	var refused error
	for _, entry := range filepath.SplitList(path) {
		file := filepath.Join(from(dir, entry), name)
		err := executable(file)
		if err == nil && name != "" {
			return file, nil
		}
		if refused == nil && errors.Is(err, fs.ErrPermission) { // execvp(3) goes on as well
			refused = &StartError{Step: StepExecute, Path: file, Err: err}
		}
	}
	if refused != nil {
		return "", refused
	}
	err := reason{fmt.Sprintf("no such program in PATH (%s)", path), fs.ErrNotExist}
	return "", &StartError{Step: StepFind, Path: name, Err: err}
}

func from(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// executable says why the file cannot be executed, nil if it seems it can.
func executable(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return errors.Unwrap(err)
	}
	if info.IsDir() {
		return reason{"it is a directory", syscall.EISDIR}
	}
	if unix.Faccessat(unix.AT_FDCWD, file, unix.X_OK, unix.AT_EACCESS) != nil {
		return reason{fmt.Sprintf("permission denied (its mode is %s; chmod +x makes a program of it)", info.Mode()), syscall.EACCES}
	}
	return nil
}

// explain puts the kernel's answer to an attempt to execute the file into words that help.
func explain(file string, errno error) error {
	err := executable(file)
	switch {
	case err != nil && errors.Is(errno, syscall.EACCES):
		return err
	case err == nil && errors.Is(errno, syscall.ENOENT): // the file is there: what it asks for is not
		return reason{missingInterpreter(file), errno}
	case err == nil && errors.Is(errno, syscall.EACCES):
		return reason{"permission denied (its interpreter is not executable, or the file system is mounted noexec)", errno}
	case errors.Is(errno, syscall.ENOEXEC):
		return reason{"it is neither a program for this machine nor a script that begins with #!", errno}
	}
	return errno
}

// missingInterpreter says what a file that exists lacks.
func missingInterpreter(file string) string {
	head := make([]byte, 256)
	f, err := os.Open(file)
	if err != nil {
		return "its interpreter does not exist"
	}
	defer f.Close()
	n, _ := f.Read(head)
	line, isScript := bytes.CutPrefix(head[:n], []byte("#!"))
	if !isScript {
		return "the loader it needs does not exist (it was made for another system or another C library)"
	}
	line, _, _ = bytes.Cut(line, []byte{'\n'})
	if bytes.HasSuffix(line, []byte{'\r'}) {
		return "its first line ends in CR LF; it must end in LF alone"
	}
	word, _, _ := bytes.Cut(bytes.TrimLeft(line, " \t"), []byte{' '})
	return fmt.Sprintf("its interpreter %q does not exist", word)
}
