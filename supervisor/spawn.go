package supervisor

import (
	"errors"
	"os"
	"time"

	"github.com/kballard/go-shellquote"

	"tend"
	"tend/forward"
	"tend/internal/fault"
	"tend/logs"
	"tend/process"
)

// A spawnJob is all that is needed to begin a run outside the loop.
type spawnJob struct {
	service *service
	run     string
	def     tend.Service
	stdout  logFile
	stderr  logFile
	sendTo  []forward.Target
	alone   bool // no other copy of the service lives

	errorOffset *int64 // set where stderr has a log of its own: how long that is
}

// A spawnResult is what became of it.
type spawnResult struct {
	job       spawnJob
	child     process.Child
	logOffset int64
	err       error
}

func (s *Supervisor) spawnJob(sv *service) spawnJob {
	d := sv.definition
	return spawnJob{
		service: sv, run: sv.state.Run, def: d.WithDefaults(), stdout: s.logFile(d.Stdout, d), stderr: s.logFile(d.Stderr, d), sendTo: s.targets(d),
		alone: len(d.Listen) > 0 && s.alone(sv), errorOffset: new(int64),
	}
}

// A prepared run has everything it needs open.
type prepared struct {
	job       spawnJob
	spec      process.Spec
	files     []*os.File // closed once the process has them
	logOffset int64
	err       error
}

// Results of a mass start travel, and are committed, together: but none waits longer than this for the others.
const (
	spawnBatch = 64
	spawnDelay = 25 * time.Millisecond

	preparedAhead = 16 // runs, or fewer where few files may be open
)

// ahead is how many runs are prepared ahead: each has up to four files open, and all together no more than an eighth of
// what we may open. There are always one that is being prepared and one whose process is being made.
func ahead() int {
	const files = 4
	return min(preparedAhead, process.Descriptors()/8/files)
}

// prepareRuns opens what runs need, so much ahead that it costs a mass start nothing: whoever makes a process waits
// most of the time.
func (s *Supervisor) prepareRuns(ready chan<- prepared) {
	for range s.spawns.ready {
		for _, job := range s.spawns.take() {
			p := prepared{job: job}
			if p.spec, p.files, p.logOffset, p.err = s.spec(job); p.err == nil {
				if p.spec.Cgroup = s.cgroups.Make(job.run); p.spec.Cgroup != nil {
					p.files = append(p.files, p.spec.Cgroup)
					s.limitMemory(job)
				}
			}
			ready <- p
		}
	}
}

// makeProcesses begins prepared runs one after the other: making a process holds a lock of the runtime anyway.
func (s *Supervisor) makeProcesses(ready <-chan prepared) {
	var results []spawnResult
	var first time.Time
	for p := range ready {
		if len(results) == 0 {
			first = time.Now()
		}
		results = append(results, s.spawn(p))
		if len(results) >= spawnBatch || len(ready) == 0 || time.Since(first) > spawnDelay {
			s.spawned.put(results...)
			results = nil
		}
	}
}

func (s *Supervisor) spawn(p prepared) spawnResult {
	result := spawnResult{job: p.job, logOffset: p.logOffset, err: p.err}
	if p.err == nil {
		fault.At(fault.SupervisorSpawning)
		result.child, result.err = s.spawner.Start(p.spec)
		fault.At(fault.SupervisorSpawned)
		if p.spec.Cgroup != nil && !result.child.InCgroup {
			if result.err == nil {
				s.cgroups.Refused()
			}
			s.cgroups.Remove(p.job.run)
		}
	}
	for _, f := range p.files {
		f.Close()
	}
	return result
}

// spec opens what the run needs.
func (s *Supervisor) spec(job spawnJob) (spec process.Spec, files []*os.File, logOffset int64, err error) {
	def := job.def
	if def.Broken != nil {
		return process.Spec{}, nil, 0, def.Broken
	}
	spec = process.Spec{Dir: def.WorkingDirectory, Umask: *def.Umask}
	if spec.Env, err = s.environment(job); err != nil {
		return spec, nil, 0, err
	}
	if spec.Dir == "" {
		spec.Dir = "/"
	}
	if def.Shell {
		spec.Args = []string{"/bin/sh", "-c", def.CommandLine}
	} else if spec.Args, err = shellquote.Split(def.CommandLine); err != nil || len(spec.Args) == 0 {
		return spec, nil, 0, &process.StartError{Step: "read the command line", Path: def.CommandLine, Err: orEmpty(err)}
	}
	if spec.Path, err = process.LookPath(spec.Args[0], spec.Dir, lookup(spec.Env, "PATH")); err != nil {
		return spec, nil, 0, err
	}
	open := func(f *os.File, openErr error) *os.File {
		if openErr != nil {
			err = errors.Join(err, openErr)
			return nil
		}
		files = append(files, f)
		return f
	}
	s.beginForwarding(job.sendTo)
	spec.Stdin = open(logs.OpenInput(def.Stdin))
	stdout, logOffset, openErr := s.openOutput(job.stdout, *def.Umask)
	spec.Stdout = open(stdout, openErr)
	spec.Stderr = spec.Stdout
	if def.Stderr != "" && def.Stderr != def.Stdout {
		stderr, errorOffset, openErr := s.openOutput(job.stderr, *def.Umask)
		*job.errorOffset = errorOffset
		spec.Stderr = open(stderr, openErr)
	}
	if err == nil {
		spec, files, err = s.leadAll(job, spec, files)
	}
	if err == nil {
		err = s.equip(job, &spec, &files)
	}
	return spec, files, logOffset, err
}

func orEmpty(err error) error {
	if err == nil {
		return errors.New("it is empty")
	}
	return err
}

func lookup(env []string, name string) string {
	value, _ := tend.Caller{Environ: env}.Getenv(name)
	return value
}

// begun takes in what became of spawn jobs.
func (s *Supervisor) begun(results []spawnResult) {
	for _, r := range results {
		sv := r.job.service
		if sv.run == nil || sv.run.ID != r.job.run {
			continue // cannot be: a run is not left before its process is known
		}
		sv.run.LogOffset, sv.errorOffset = r.logOffset, *r.job.errorOffset
		if r.err != nil {
			s.apply(sv, tend.SpawnFailed{Run: r.job.run, Message: r.err.Error(), Temporary: process.Temporary(r.err)})
			continue
		}
		s.alive(sv, r)
	}
}

// alive takes in a process that was made. It may have ended since; then the keeper has written that down.
func (s *Supervisor) alive(sv *service, r spawnResult) {
	main := r.child.Identity
	if main.Start == 0 {
		if record, found := s.journal.ended(main.PID, r.child.Earliest); found {
			main = record.Identity
		}
	}
	s.apply(sv, tend.Spawned{Run: r.job.run, Main: main})
	s.watchChild(sv, main, r.child.PIDFD)
}
