package supervisor

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"

	"tend"
	"tend/process"
	"tend/task"
)

// The users' short commands: checks, stop commands, hooks. Whoever wants one run makes it in the loop, runs it in a goroutine
// of its own, and has what became of it come back by s.calls.

func (s *Supervisor) newTasks() *task.Runner {
	start := func(spec process.Spec) (process.Child, error) { return s.spawner.Start(spec) }
	return task.NewRunner(task.Host{Start: start, Record: filepath.Join(s.dir, "tasks"), Logf: s.logf})
}

// command is a command of a service. What it is given besides the environment of the service, stdin and times, is for whoever
// makes it to add.
type command struct {
	task.Command
	def  tend.Service
	main tend.Identity
}

// command makes a command of the service: it has the environment, the directory and the umask of the service, and knows by
// TEND_SERVICE and TEND_PID whom it is about.
func (s *Supervisor) command(sv *service, line string) command {
	def := sv.definition.WithDefaults()
	return command{Command: task.Command{Line: line, Dir: def.WorkingDirectory, Umask: *def.Umask}, def: def, main: sv.state.Main}
}

// runCommand runs the command and waits for its end. It is not for the loop: files are read.
func (s *Supervisor) runCommand(ctx context.Context, c command) (task.Result, error) {
	env, err := s.environment(spawnJob{def: c.def})
	if err != nil {
		return task.Result{}, err
	}
	for _, entry := range env {
		if !strings.HasPrefix(entry, "TEND_RUN=") { // it is none of the service's processes
			c.Env = append(c.Env, entry)
		}
	}
	if !c.main.IsZero() {
		c.Env = append(c.Env, "TEND_PID="+strconv.Itoa(c.main.PID))
	}
	return s.tasks.Run(ctx, c.Command)
}
