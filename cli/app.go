// Package cli is what people type and what they see: the command table, one file per command, and the wiring.
//
// A command is one file: an options struct, a constructor that only parses, and a run function that only acts. What is
// costly (the database, the socket, the size of the terminal) is computed on first use, and once.
package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"
	"time"

	"tend"
	"tend/api"
	"tend/keeper"
	"tend/store"
)

// App is one run of the program. Everything that it takes from outside is a field, so that a test can run the whole.
type App struct {
	Args           []string // without the program's own name
	Environ        []string // NAME=value
	Directory      func() (string, error)
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Now            func() time.Time

	// Computed on first use, and once.
	database func() (string, error)
	runtime  func() (string, error) // runtime directory of the database
	client   func() (supervision, error)
	terminal func() terminal
	caller   func() (tend.Caller, error)

	opened *store.Store // by open; closed at the end
}

// supervision is what the commands want of the supervisor; api.Client is one.
type supervision interface {
	Statuses(ctx context.Context, q tend.Query) ([]tend.Status, error)
	Do(ctx context.Context, request tend.Request, report func(tend.Progress)) error
	Changed(ctx context.Context) error
}

// Main is the program: it returns the exit status.
func Main() int {
	if status, ok := hidden(os.Args[1:]); ok {
		return status
	}
	debug.SetGCPercent(400) // most commands end before the 16 MB are used that it takes to collect any garbage
	return NewApp().Run(context.Background())
}

// NewApp returns a run of the program with what the process was given.
func NewApp() *App {
	a := &App{
		Args: os.Args[1:], Environ: os.Environ(), Directory: os.Getwd,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Now: time.Now,
	}
	a.wire()
	return a
}

// wire connects the collaborators, none of which is made before somebody asks for it.
func (a *App) wire() {
	a.database = sync.OnceValues(func() (string, error) { return store.Path(a.getenv) })
	a.runtime = sync.OnceValues(func() (string, error) {
		database, err := a.database()
		if err != nil {
			return "", err
		}
		return keeper.Directory(database)
	})
	a.client = sync.OnceValues(func() (supervision, error) {
		dir, err := a.runtime()
		if errors.Is(err, fs.ErrNotExist) {
			return nobody{}, nil // not even the directory of the database is there
		}
		if err != nil {
			return nil, err
		}
		return api.NewClient(keeper.Socket(dir)), nil
	})
	a.terminal = sync.OnceValue(func() terminal { return detectTerminal(a) })
	a.caller = sync.OnceValues(func() (tend.Caller, error) {
		dir, err := a.Directory()
		if err != nil {
			return tend.Caller{}, tend.Errorf(tend.CodeUsage, "the current directory cannot be found: %w", err).WithHint("cd to one that exists")
		}
		return tend.Caller{Directory: dir, Environ: a.Environ, Umask: umask()}, nil
	})
}

// Run runs the command line and returns the exit status.
func (a *App) Run(ctx context.Context) int {
	defer a.close()
	if len(a.Args) == 1 && slices.Contains([]string{"--version", "-V"}, a.Args[0]) {
		return a.fail(a.version(&versionOptions{}))
	}
	return a.fail(a.execute(ctx))
}

// open opens the database, once; what a user should be told about that goes to standard error.
func (a *App) open(ctx context.Context, mode store.Mode) (*store.Store, error) {
	if a.opened != nil {
		return a.opened, nil
	}
	path, err := a.database()
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, path, mode)
	if err != nil {
		return nil, err
	}
	a.opened = s
	if notice := s.Notice(); notice != "" {
		a.notice("%s", notice)
	}
	if s.Outgrown() {
		a.follow(ctx)
	}
	return s, nil
}

func (a *App) close() {
	if a.opened != nil {
		a.opened.Close() // every write was committed already
	}
}

func (a *App) getenv(name string) string {
	value, _ := tend.Caller{Environ: a.Environ}.Getenv(name)
	return value
}

// umask reads the file mode creation mask, which POSIX lets one only read by setting it; nothing else runs yet.
func umask() tend.Umask {
	mask := syscall.Umask(0o077)
	syscall.Umask(mask)
	return tend.Umask(mask)
}
