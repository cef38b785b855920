package supervisor

import (
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"tend"
	"tend/logs"
	"tend/process"
)

// source says where the pipe of a run leads for one of its logs. It is not ok where that is no file.
func (s *Supervisor) source(log logFile, umask tend.Umask, run string) (source logs.Source, ok bool) {
	source = logs.Source{Run: run, Path: log.path, Marks: log.marks, Own: !log.named, Perm: log.permissions(umask)}
	if !log.named {
		return source, true
	}
	info, err := os.Stat(log.path)
	return source, err != nil || info.Mode().IsRegular()
}

// leadAll has a run write into pipes where it is to. It returns its files as they are then.
func (s *Supervisor) leadAll(job spawnJob, spec process.Spec, files []*os.File) (process.Spec, []*os.File, error) {
	apart := spec.Stderr != spec.Stdout
	var err, second error
	spec.Stdout, err = s.lead(job, job.stdout, 1, spec.Stdout)
	if apart {
		spec.Stderr, second = s.lead(job, job.stderr, 2, spec.Stderr)
	} else {
		spec.Stderr = spec.Stdout
	}
	for _, f := range []*os.File{spec.Stdout, spec.Stderr} {
		if f != nil && !slices.Contains(files, f) {
			files = append(files, f)
		}
	}
	return spec, files, errors.Join(err, second)
}

// lead has a run write into a pipe in place of the log that was opened for it, if its lines are to have times. So has one
// that shares a log with such a run: whoever wrote straight into it would write over what the pump moves there.
func (s *Supervisor) lead(job spawnJob, to logFile, stream int, log *os.File) (*os.File, error) {
	source, ok := s.source(to, *job.def.Umask, job.run)
	shared := s.pipes.pump.Writes(source.Path)
	if !ok || job.def.LogFormat != tend.LogTime && !shared {
		return log, nil
	}
	log.Close()
	var err error
	if !shared {
		err = s.canPump(source)
	}
	if err == nil {
		log, err = s.pipes.open(source, stream)
	}
	if errors.Is(err, logs.ErrNoPump) {
		s.logf("%s writes straight into its log, and the times of its lines are not known: %v", job.def.Name, err)
		return logs.Open(source.Path, source.Perm)
	}
	return log, err
}

// canPump asks whether the log can be the end of a pipe, while nobody else of ours has it open.
func (s *Supervisor) canPump(source logs.Source) error {
	if !s.logTurns.take(source.Path) {
		return errNoTurn
	}
	defer s.logTurns.give(source.Path)
	return logs.CanPump(source)
}

// drainPatience is how long an end waits for what was written before it to be in the log: a file system may be slow.
const drainPatience = time.Second

// drain lets ends happen when what was written before them is in the logs, since whoever is told of an end is shown that.
// What others of a tree write, who live on, is not waited for.
func (s *Supervisor) drain(endings []ending) {
	var runs []string
	for _, e := range endings {
		if s.pipes.pump.Has(e.run) {
			runs = append(runs, e.run)
		}
	}
	if len(runs) == 0 {
		s.settle(endings)
		return
	}
	s.settling += len(runs)
	var once sync.Once
	done := func() {
		once.Do(func() {
			s.calls.put(func() {
				s.settling -= len(runs)
				s.settle(endings)
			})
		})
	}
	enough := time.AfterFunc(drainPatience, done)
	s.pipes.pump.Drain(runs, func() {
		enough.Stop()
		done()
	})
}

// outputWaits takes in that the output of a run cannot be written to its log, or, without an error, that it is again.
func (s *Supervisor) outputWaits(source logs.Source, err error) {
	t := trouble{run: source.Run, kind: troubleWaits, over: err == nil}
	switch {
	case err == nil:
	case roomMissing(err):
		t.why = "the disk is full"
	default:
		t.why = err.Error()
	}
	for _, sv := range s.services {
		if sv.state.Run == source.Run {
			t.service = sv.name()
			s.troubled(t)
			return
		}
	}
	s.logf("of a run that has ended: %s", t.text())
}
