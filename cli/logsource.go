package cli

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"slices"
	"time"

	"tend"
	"tend/logs"
	"tend/store"
)

// logSource is one stream of a service, and the log that it goes to.
type logSource struct {
	service string // or copy of one, by the name that it is kept by
	kind    string // stdout, stderr, or output, which is both in one file
	label   string // stands before its lines
	path    string
	marks   string // the file with its marks
	number  int    // among all sources: which colour it has
	timed   bool   // every write is marked, and its lines are shown with their time
	counts  bool   // the offsets of runs are those of this log
}

// logSources returns the logs of a service, given its definition: none if all is dropped, two if its error output has a file of
// its own.
func (a *App) logSources(database string, s tend.Service) []*logSource {
	own := logs.Path(database, s.Name)
	var found []*logSource
	files := outputs(s, own)
	for i, file := range files {
		source := &logSource{
			service: s.Name, kind: file.stream, label: s.Label(), path: file.path, marks: logs.MarksPath(file.path),
			timed: s.LogFormat == tend.LogTime, counts: file.stream == "stdout",
		}
		if named := file.path != own; named && s.LogLimits(named).Max == 0 {
			source.marks = logs.OutsideMarksPath(database, file.path)
		}
		switch {
		case i > 0:
			source.label += " stderr"
		case len(files) == 1 && s.Stdout != "/dev/null" && s.Stderr != "/dev/null":
			source.kind = "output"
		}
		found = append(found, source)
	}
	return found
}

// output is a file that a stream of a service goes to.
type output struct{ stream, path string }

// outputs are the files that a service writes to, given its own log: none if all of it is dropped, two if its error
// output has a file of its own.
func outputs(s tend.Service, log string) []output {
	var files []output
	if path := s.Output(log); path != "" {
		files = append(files, output{"stdout", path})
	}
	if s.Stderr != "" && s.Stderr != "/dev/null" && s.Stderr != s.Output(log) {
		files = append(files, output{"stderr", s.Stderr})
	}
	return files
}

// shelf is where the logs of all services are found: in the database, or if that cannot be read, in its directory of logs.
type shelf struct {
	database string
	db       *store.Store // nil: there is none, or it cannot be read
	unread   error        // why it cannot be read
	services []tend.Service
}

// openShelf finds out which services there are. A database that is damaged or locked is no reason not to show a log.
func (a *App) openShelf(ctx context.Context) (*shelf, error) {
	s := &shelf{}
	var err error
	if s.database, err = a.database(); err != nil {
		return nil, err
	}
	s.db, err = a.open(ctx, store.Existing)
	if err == nil {
		s.services, err = s.copies(ctx)
	}
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, store.ErrNotFound), ctx.Err() != nil:
		return s, ctx.Err()
	}
	s.db, s.unread = nil, err
	if s.services = s.unlisted(); len(s.services) == 0 {
		return nil, err
	}
	return s, nil
}

// copies are the services of the database, with their copies.
func (s *shelf) copies(ctx context.Context) ([]tend.Service, error) {
	definitions, err := s.db.Services(ctx)
	names, _ := logs.Names(s.database)
	return tend.Copies(definitions, names), err
}

// unlisted are the services, and copies, that logs tell of. How many copies a service has is not known, but which have
// written.
func (s *shelf) unlisted() (services []tend.Service) {
	names, _ := logs.Names(s.database)
	for _, name := range names {
		if service, _, ok := tend.ParseCopy(name); !ok || !slices.Contains(names, service) {
			services = append(services, tend.Service{Name: name, Broken: &tend.Error{}})
		}
	}
	services = tend.Copies(services, names)
	for i := range services {
		services[i].Broken = nil
	}
	return services
}

// choose returns the services that the words mean, all if there are none. A word may also be the name of one that was removed,
// as long as its log is there.
func (s *shelf) choose(words []string) (chosen []tend.Service, gone []string, err error) {
	if len(words) == 0 {
		return s.services, nil, nil
	}
	targets := tend.Targets(s.services)
	for _, word := range words {
		if slices.ContainsFunc(s.services, func(o tend.Service) bool { return o.Name == word || o.Label() == word }) || !hasLog(s.database, word) {
			continue
		}
		gone = append(gone, word)
		targets = append(targets, tend.Target{Name: word})
	}
	names, err := tend.Select(targets, words, false)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		i := slices.IndexFunc(s.services, func(o tend.Service) bool { return o.Name == name })
		if i < 0 {
			chosen = append(chosen, tend.Service{Name: name})
			continue
		}
		chosen = append(chosen, s.services[i])
	}
	return chosen, gone, nil
}

// hasLog reports whether there is a log under the name.
func hasLog(database, name string) bool {
	stream, err := logs.OpenStream(logs.Path(database, name))
	if err != nil {
		return false
	}
	stream.Close()
	return true
}

// few is how many runs of a service are asked for at first: enough for the last lines of most.
const few = 8

// spans places the runs of the source's service in its log, those that reach into the text from an offset on: none where that
// is not known.
func (s *shelf) spans(ctx context.Context, source *logSource, from, end int64) ([]span, error) {
	if s.db == nil || !source.counts {
		return nil, nil
	}
	for limit := few; ; limit = 0 {
		runs, err := s.db.Runs(ctx, source.service, limit)
		if err != nil {
			return nil, err
		}
		placed := spans(runs, end)
		if limit == 0 || len(runs) < limit || placed[len(placed)-1].from <= from {
			return placed, nil
		}
	}
}

// thinned is the age at which marks may have been thinned out; see package logs.
const thinned = 24 * time.Hour

// timeline places the text from one offset to another in time, in a log that ends at end.
func (s *shelf) timeline(source *logSource, spans []span, from, to, end int64, now time.Time) (timeline, error) {
	marks, err := logs.Marks(source.marks, from, to)
	if err != nil {
		return nil, err
	}
	return source.timeline(marks, spans, end, now), nil
}

// timeline is made of marks and of what runs wrote. What no mark follows was written when the file was written last.
func (source *logSource) timeline(marks []logs.Mark, spans []span, end int64, now time.Time) timeline {
	var precise time.Time
	if source.timed {
		precise = now.Add(-thinned)
	}
	t := newTimeline(marks, spans, precise)
	if info, err := os.Stat(source.path); err == nil {
		t = t.until(end, info.ModTime())
	}
	return t
}

// around is a timeline that is good for a look for one moment.
func (s *shelf) around(source *logSource, spans []span, moment time.Time, end int64, now time.Time) (timeline, error) {
	before, after, err := logs.MarksAround(source.marks, moment)
	if err != nil {
		return nil, err
	}
	var marks []logs.Mark
	for _, m := range []logs.Mark{before, after} {
		if m != (logs.Mark{}) {
			marks = append(marks, m)
		}
	}
	return source.timeline(marks, spans, end, now), nil
}

// whole is the offset behind all text.
const whole = math.MaxInt64
