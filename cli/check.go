package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"tend"
	"tend/environment"
	"tend/process"
)

// checkShellLine checks a command line that /bin/sh will read; its syntax is the shell's affair. It returns the program.
func checkShellLine(line string) ([]string, error) {
	switch {
	case strings.TrimSpace(line) == "":
		return nil, tend.Errorf(tend.CodeUsage, "the command is empty").WithHint("for example: tend run --shell web -- 'cd site && exec ./serve'")
	case strings.ContainsRune(line, 0):
		return nil, tend.Errorf(tend.CodeUsage, "the command has a zero byte in it")
	}
	return []string{"/bin/sh"}, nil
}

// wrong is what is wrong with a key of a definition.
type wrong struct {
	key string
	err *tend.Error
}

// checkHere checks a definition as this user may use it here and now: its directory, its files, its limits. It returns all
// that is wrong.
func checkHere(s tend.Service) (all []wrong) {
	note := func(key string, err *tend.Error) {
		if err != nil {
			all = append(all, wrong{key, err})
		}
	}
	if err := checkDirectory("the working directory", s.WorkingDirectory, unix.X_OK); err != nil {
		note("working_directory", err.WithHint("choose one with --working-directory"))
	}
	note("environment_file", checkEnvironmentFile(s))
	if s.Stdin != "" {
		note("stdin", checkFile(s.Stdin, unix.R_OK))
	}
	note("stdout", checkOutput(s.Stdout))
	note("stderr", checkOutput(s.Stderr))
	note(checkLimits(s))
	return all
}

func checkEnvironmentFile(s tend.Service) *tend.Error {
	if _, err := environment.Read(s.EnvironmentFile); err != nil {
		return tend.Errorf(tend.CodeUsage, "%w", err).WithHint("the rules are in docs/environment.md; -FILE is a file that may be missing")
	}
	return nil
}

// checkOutput leaves nothing behind: whether a file could be made is asked of its directory.
func checkOutput(path string) *tend.Error {
	if path == "" {
		return nil
	}
	err := checkFile(path, unix.W_OK)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err = checkDirectory("the directory", filepath.Dir(path), unix.W_OK|unix.X_OK); err != nil && errors.Is(err, fs.ErrNotExist) {
		return err.WithHint("make it first: mkdir -p %s", filepath.Dir(path))
	}
	return err
}

// flagged says by which option what is wrong was given; of the directory, which mostly was not, the message itself says it.
func flagged(w wrong) error {
	if o := tend.FindOption(w.key); o != nil && w.key != "working_directory" {
		named := *w.err
		named.Message = "--" + o.Flag + ": " + w.err.Message
		return &named
	}
	return w.err
}

func checkDirectory(what, path string, mode uint32) *tend.Error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		return tend.Errorf(tend.CodeUsage, "%s %s is not a directory", what, path)
	}
	if err == nil {
		err = unix.Access(path, mode)
	}
	if err == nil {
		return nil
	}
	return tend.Errorf(tend.CodeUsage, "%s %s cannot be used: %w", what, path, cause(err))
}

func checkFile(path string, mode uint32) *tend.Error {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return tend.Errorf(tend.CodeUsage, "%s is a directory", path).WithHint("name a file in it")
	}
	if err == nil {
		err = unix.Access(path, mode)
	}
	switch {
	case err == nil:
		return nil
	case mode == unix.R_OK:
		return tend.Errorf(tend.CodeUsage, "%s cannot be read: %w", path, cause(err))
	}
	return tend.Errorf(tend.CodeUsage, "%s cannot be written: %w", path, cause(err))
}

// cause is the bare reason of an error about a file whose path was named already.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// lookFor warns if the program cannot be executed. That is no error: it may come later, and start will say so if it has
// not.
func (a *App) lookFor(program string, s tend.Service) {
	vars, err := environment.Of(s)
	if err != nil {
		return // the check of files has said so
	}
	_, err = process.LookPath(program, s.WorkingDirectory, vars["PATH"])
	if err == nil {
		return
	}
	const later = "; that must change before the service starts"
	switch {
	case strings.ContainsAny(program, " \t") && errors.Is(err, fs.ErrNotExist):
		a.warn("it is one word with blanks in it: leave the quotes out", "there is no program %q"+later, program)
	case !errors.Is(err, fs.ErrNotExist):
		a.warn("", "%v"+later, err)
	case strings.Contains(program, "/"):
		a.warn("", "there is no program %s"+later, program)
	default:
		a.warn("", "there is no program %s in PATH"+later, program)
	}
}

// warnMoot warns of settings that have no effect, in a definition that takes the place of another, nil if it is new: then of
// those that had one, or were not there.
func (a *App) warnMoot(s tend.Service, before *tend.Service) {
	var known []tend.Moot
	if before != nil {
		known = before.Moot()
	}
	for _, m := range s.Moot() {
		if !slices.Contains(known, m) {
			a.warn("", "%s of %s has no effect: %s", m.Key, printable(s.Name, false), m.Why)
		}
	}
}

func (a *App) warnMootOf(p *plan) {
	for _, s := range p.steps {
		if s.Do != doRemove {
			a.warnMoot(s.definition, find(p.seen, s.Name))
		}
	}
}
