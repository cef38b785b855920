package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tend"
	"tend/keeper"
	"tend/logs"
	"tend/manifest"
	"tend/process"
)

// upSession is the up command at work.
type upSession struct {
	*App
	options *upOptions
	file    string
	names   []string // the services of the file, in its order
	each    bool     // a Procfile: the end of one is the end of all, however it ends

	asks chan os.Signal // by which somebody asks for the end
}

// up makes the services what the file says, and goes on until they have ended, or somebody ends it.
func (a *App) up(ctx context.Context, o *upOptions, args arguments) error {
	file, err := a.upFile(args)
	if err != nil {
		return err
	}
	u := &upSession{App: a, options: o, file: file, each: strings.HasPrefix(filepath.Base(file), "Procfile"), asks: make(chan os.Signal, 4)}
	signal.Notify(u.asks, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(u.asks)
	restart, err := u.define(ctx)
	if err != nil {
		return err
	}
	following, endFollowing := context.WithCancel(ctx)
	followed, err := u.show(following)
	if err != nil {
		endFollowing()
		return err
	}
	err = u.run(ctx, restart)
	endFollowing()
	if shown := <-followed; err == nil {
		err = shown
	}
	return err
}

// define reads the file and changes the definitions, and returns which running services have to be restarted for it.
func (u *upSession) define(ctx context.Context) (restart []string, err error) {
	v, err := u.survey(ctx)
	if err != nil {
		return nil, err
	}
	var wanted []tend.Service
	var file *manifest.File // nil where it is a Procfile
	if u.each {
		wanted, err = u.readProcfile()
	} else if file, err = u.readManifest(v.definitions()); err == nil {
		wanted = file.Services
	}
	if err != nil {
		return nil, err
	}
	if len(wanted) == 0 {
		return nil, tend.Errorf(tend.CodeUsage, "there is no service in %s", u.file)
	}
	for _, s := range wanted {
		u.names = append(u.names, s.Name)
	}
	statuses, err := u.statuses(ctx, tend.Query{Brief: true})
	if err != nil {
		return nil, err
	}
	p := newPlan(wanted, v.definitions(), statuses, false)
	if file != nil {
		if err := p.check(file); err != nil {
			return nil, err
		}
	}
	u.warnMootOf(p)
	if len(p.steps) > 0 {
		if err := u.App.define(ctx, p.seen, p.revision()); err != nil {
			return nil, err
		}
	}
	return p.names(func(s step) bool { return s.Restart }), nil
}

func (u *upSession) readManifest(existing []tend.Service) (*manifest.File, error) {
	caller, err := u.caller()
	if err != nil {
		return nil, err
	}
	text, err := u.readFile(u.file, &caller)
	if err != nil {
		return nil, err
	}
	return manifest.Read(u.file, text, manifest.Origin{Caller: caller, Existing: byName(existing)})
}

// readProcfile reads a Procfile. Besides a PORT, its services get the environment of whoever types up, as those who write
// Procfiles expect, and an .env file that stands beside it.
func (u *upSession) readProcfile() ([]tend.Service, error) {
	f, err := os.Open(u.file)
	if err != nil {
		return nil, tend.Errorf(tend.CodeUsage, "%s cannot be read: %w", u.file, cause(err))
	}
	defer f.Close()
	services, err := manifest.ReadProcfile(f, filepath.Dir(u.file))
	if err != nil {
		return nil, err
	}
	dotenv := filepath.Join(filepath.Dir(u.file), ".env")
	_, err = os.Stat(dotenv)
	for i := range services {
		if env := services[i].Environment; env != nil {
			for _, entry := range u.Environ {
				name, value, _ := strings.Cut(entry, "=")
				if _, given := env[name]; !given && !strings.HasPrefix(name, "TEND_") && name != "" {
					env[name] = value
				}
			}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			services[i].EnvironmentFile = []string{dotenv}
		}
	}
	return services, nil
}

// show begins to show what the services write from now on. The answer is the error with which that ended, after ctx has.
func (u *upSession) show(ctx context.Context) (ended <-chan error, err error) {
	s, err := u.openShelf(ctx)
	if err != nil {
		return nil, err
	}
	v := &logView{App: u.App, shelf: s, options: &logsOptions{follow: true, times: u.options.times}, question: &logQuestion{follow: true}, now: u.Now()}
	for _, service := range s.services {
		if slices.Contains(u.names, service.Service()) {
			v.add(u.logSources(s.database, service)...)
		}
	}
	t := u.terminal()
	v.writer = newLogWriter(u.Stdout, logForm{named: true, times: u.options.times, now: v.now, terminal: t.out, colours: t.colour}, nil)
	v.writer.admit(v.sources)
	rest, err := v.show(ctx)
	if err != nil {
		return nil, err
	}
	answer := make(chan error, 1)
	go func() { answer <- v.end(v.goOn(ctx, rest, nil)) }()
	return answer, nil
}

// run starts the services, waits until that is over, and stops what then runs.
func (u *upSession) run(ctx context.Context, restart []string) error {
	verdict, err := u.startAndWatch(ctx, restart)
	if err != nil {
		u.notice("the services run on: tend list")
		return err
	}
	if verdict.why != "" {
		u.writeFailure(verdict.why)
	}
	if err := u.stopAll(ctx); err != nil {
		return err
	}
	if u.inside() {
		if err := u.leave(ctx); err != nil {
			return err
		}
	}
	if verdict.status != 0 {
		return verdict.status
	}
	return nil
}

// startAndWatch returns when there is nothing more to wait for.
func (u *upSession) startAndWatch(ctx context.Context, restart []string) (verdict, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	database, err := u.database()
	if err != nil {
		return verdict{}, err
	}
	changes, err := logs.Changes(ctx, database)
	if err != nil {
		return verdict{}, err
	}
	started := make(chan error, 1)
	go func() { started <- u.start(ctx, restart) }()
	gone, err := u.keepersGone(ctx)
	if err != nil {
		return verdict{}, err
	}
	var settled <-chan time.Time
	begun := false
	for {
		select {
		case <-u.asks:
			return verdict{}, nil
		case err := <-started:
			if tend.CodeOf(err) != tend.CodeFailed && err != nil {
				return verdict{}, err
			}
			begun, started = true, nil
			if gone, err = u.keepersGone(ctx); err != nil {
				return verdict{}, err
			}
		case <-gone: // somebody has killed all of tend's own processes
			if begun {
				if _, err := u.statuses(ctx, tend.Query{Words: u.names, Brief: true}); err != nil {
					return verdict{}, err
				}
				if gone, err = u.keepersGone(ctx); err != nil {
					return verdict{}, err
				}
			}
		case <-changes:
			settled = time.After(settling)
			continue // more is to come
		case <-settled:
			settled = nil
		}
		if !begun {
			continue
		}
		states, err := u.states(ctx)
		if err != nil {
			return verdict{}, err
		}
		if v := judge(u.names, states, u.each, u.options.keepGoing); v.over {
			return v, nil
		}
	}
}

func (u *upSession) start(ctx context.Context, restart []string) error {
	request := tend.Request{Command: tend.CommandStart, Words: u.names}
	if len(restart) > 0 {
		request = tend.Request{Command: tend.CommandRestart, Words: restart}
		for _, name := range u.names {
			if !slices.Contains(restart, name) {
				request.Start = append(request.Start, name)
			}
		}
	}
	report := u.talk().newReport(request, false)
	if err := u.have(ctx, request, report); err != nil {
		return err
	}
	return report.outcome()
}

// talk is the command with standard error for what it says: its output is that of the services.
func (u *upSession) talk() *App {
	talking := *u.App
	talking.Stdout = talking.Stderr
	return &talking
}

// stopAll stops the services. Whoever asks once more has them killed.
func (u *upSession) stopAll(ctx context.Context) error {
	request := tend.Request{Command: tend.CommandStop, Words: u.names}
	report := u.talk().newReport(request, false)
	stopped := make(chan error, 1)
	go func() {
		err := u.have(ctx, request, report)
		if err == nil {
			err = report.outcome()
		}
		stopped <- err
	}()
	begun := time.Now()
	for {
		select {
		case err := <-stopped:
			return err
		case ask := <-u.asks:
			if ask == os.Interrupt && time.Since(begun) > oneAsk {
				u.writeFailure("killing what has not ended")
				u.kill(ctx)
			}
		}
	}
}

// leave has tend's own processes stop whatever else runs, and end: with process 1 everything ends.
func (u *upSession) leave(ctx context.Context) error {
	dir, err := u.runtime()
	if err != nil {
		return err
	}
	gone, err := keeper.Gone(ctx, dir)
	if err != nil {
		return err
	}
	if err := keeper.Leave(dir); err != nil {
		return err
	}
	select {
	case <-gone:
	case <-u.asks:
	}
	return nil
}

// oneAsk is how long after the first Ctrl-C another still means the same: timeout(1) and some shells send it to a process and
// to its group.
const oneAsk = 500 * time.Millisecond

func (u *upSession) keepersGone(ctx context.Context) (<-chan struct{}, error) {
	dir, err := u.runtime()
	if err != nil {
		return nil, err
	}
	return keeper.Gone(ctx, dir)
}

// states are those of the services of the file, and of their copies.
func (u *upSession) states(ctx context.Context) (map[string][]tend.State, error) {
	v, err := u.survey(ctx)
	if err != nil {
		return nil, err
	}
	found := map[string][]tend.State{}
	for name, placed := range v.states {
		if of, _, isCopy := tend.ParseCopy(name); isCopy {
			name = of
		}
		if slices.Contains(u.names, name) {
			found[name] = append(found[name], placed.State)
		}
	}
	return found, nil
}

// A verdict is whether it is over, with which exit status, and why.
type verdict struct {
	over   bool
	status exitStatus
	why    string
}

// judge says what follows from the states of the services. With each, the end of one is the end of all. With keepGoing, it is
// over when none runs, or will, any more; the first of those that have failed then counts.
func judge(names []string, states map[string][]tend.State, each, keepGoing bool) verdict {
	lives := false
	var first verdict
	for _, name := range names {
		for _, st := range states[name] {
			switch {
			case st.Phase.Live() || st.Phase.Pending():
				lives = true
			case first.over:
			case st.Phase == tend.PhaseFailed:
				// One that was ended for a fault may have ended well.
				first = verdict{true, max(1, exitedLike(st.Exit)), name + " has failed: " + failure(st)}
			case st.Phase == tend.PhaseExited && each && !keepGoing:
				first = verdict{true, 0, fmt.Sprintf("%s has ended: it %s", name, st.Exit)}
			}
		}
	}
	if lives && (!first.over || keepGoing) {
		return verdict{}
	}
	first.over = true
	return first
}

// failure is why it failed, in a line: what kept it from being started at all was told in full when it was tried.
func failure(st tend.State) string {
	if st.Exit != nil && st.Exit.Error != "" {
		return "it could not be started"
	}
	return st.Reason
}

// kill kills what runs of the services, at once.
func (u *upSession) kill(ctx context.Context) {
	states, err := u.states(ctx)
	if err != nil {
		u.writeFailure(err.Error())
	}
	for _, copies := range states {
		for _, st := range copies {
			if st.Main.IsZero() {
				continue
			}
			members := append(process.Descendants(st.Main), st.Main)
			for _, id := range members {
				_ = process.Signal(id, "KILL") // if it is gone, so much the better
			}
		}
	}
}
