// Package environment reads the files in which a service has variables of its environment. What they may hold is decided
// in package tend.
package environment

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"strings"
	"syscall"

	"tend"
)

// largest is how long a file of variables may be, bytes: execve(2) would take no more.
const largest = 1 << 20

// Of returns all variables of the service: those of its definition and those of its files.
func Of(s tend.Service) (map[string]string, error) {
	files, err := Read(s.EnvironmentFile)
	if err != nil {
		return nil, err
	}
	return tend.MergeEnvironment(s.Environment, files), nil
}

// Read reads the files, of which later ones win; one with - before its name may be missing. Errors name file and line.
func Read(files []string) (map[string]string, error) {
	vars := map[string]string{}
	for _, file := range files {
		path, optional := strings.CutPrefix(file, "-")
		text, err := read(path)
		if optional && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found, err := tend.ParseEnvironmentFile(text)
		var line *tend.LineError
		if errors.As(err, &line) {
			return nil, fmt.Errorf("the environment file %s:%d: %s", path, line.Line, line.Message)
		}
		maps.Copy(vars, found)
	}
	return vars, nil
}

// read reads a file that somebody else has named: it is opened so that nothing waits, and only a plain file is read.
func read(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", fmt.Errorf("reading the environment file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", fmt.Errorf("reading the environment file: %w", err)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("the environment file %s is not a plain file", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, largest+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("reading the environment file: %w", err)
	case len(text) > largest:
		return "", fmt.Errorf("the environment file %s is longer than %s", path, tend.Size(largest))
	}
	return string(text), nil
}
