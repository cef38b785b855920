package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"tend"
	"tend/process"
)

type upOptions struct {
	keepGoing bool
	times     bool
}

func newUp() command {
	c := command{
		name: "up", args: "[FILE]", max: 1,
		short: "run everything of a tend.toml or Procfile in the foreground",
		long: `Adds or changes the services of the file (without a FILE: of tend.toml or else Procfile in the current directory), starts them, and shows what they write, each line with the name of its service. A FILE whose name begins with Procfile is a Procfile. Ctrl-C, SIGTERM and SIGHUP stop them, in order, and end it; a second Ctrl-C stops them at once.

They are services like any others: list, status, restart and the rest work on them from elsewhere, and if up itself is killed, they run on. When one fails for good, the others are stopped, and its exit status (128 and the signal's number, if a signal killed it) is that of up; so it is when one of a Procfile ends, however it ends. With --keep-going the others go on. When all have ended, up ends, with 0 if none has failed. After Ctrl-C and SIGTERM the exit status is 0 if all could be stopped.

As process 1 of a container, it also reaps what nobody else does, and at its end every service of the database is stopped. See docs/up.md.`,
		examples: []example{
			{"tend up", "what the tend.toml or Procfile here says"},
			{"tend up --keep-going shop.toml", "go on with the others when one has failed"},
			{"tend up /app/tend.toml", "as the ENTRYPOINT of a container"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &upOptions{}
		f.BoolVar(&o.keepGoing, "keep-going", false, "when one has failed for good, go on with the others")
		f.BoolVarP(&o.times, "timestamps", "t", false, "begin each line with its time")
		return func(ctx context.Context, args arguments) error {
			if os.Getpid() == 1 {
				return a.upAsInit()
			}
			return a.up(ctx, o, args)
		}
	}
	return c
}

// upAsInit has another process do the work. Process 1 has enough to do with what falls to it.
func (a *App) upAsInit() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	status, err := process.RunAsInit(self, os.Args, append(slices.Clone(a.Environ), insideVariable+"=1"))
	switch {
	case err != nil:
		return err
	case status.Signaled():
		return exitStatus(128 + int(status.Signal()))
	}
	return exitStatus(status.ExitStatus())
}

// inside reports whether process 1 of a container has us do its work.
func (a *App) inside() bool { return a.getenv(insideVariable) != "" && os.Getppid() == 1 }

// insideVariable tells up that process 1 is its parent and waits for it, so that there is nobody else in the container who is
// to have services.
const insideVariable = "TEND_UP_INSIDE"

// upFile is the file that up is about.
func (a *App) upFile(args arguments) (string, error) {
	dir, err := a.Directory()
	if err != nil {
		return "", err
	}
	if len(args.words) > 0 {
		path := args.words[0]
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		return path, nil
	}
	for _, name := range []string{"tend.toml", "Procfile"} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
	}
	return "", tend.Errorf(tend.CodeUsage, "there is neither a tend.toml nor a Procfile in %s", dir).WithHint("name one: tend up FILE")
}
