package cli

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tend"
	"tend/store"
)

// An absence is told with the events of a service if one of them happened in it. Of an end that nobody saw, that is the last
// one before it.
func TestConcerned(t *testing.T) {
	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	own := func(id int64, from, to int, cause tend.AbsenceCause) tend.Entry {
		return tend.Entry{ID: id, At: at(to), Kind: tend.NoteSupervised, Supervision: &tend.Supervision{Away: &tend.Absence{From: at(from), To: at(to), Cause: cause}}}
	}
	web := func(id int64, when int, text string) tend.Entry {
		return tend.Entry{ID: id, At: at(when), Service: "web", Kind: tend.NoteEnded, Text: text}
	}
	unseen := "was killed by SIGKILL, at an unknown moment"
	for name, test := range map[string]struct {
		entries []tend.Entry
		kept    string
		last    int64
	}{
		"seen in the first of two":   {[]tend.Entry{own(1, 0, 10, tend.AwayCrashed), own(2, 20, 30, tend.AwayCrashed), web(3, 5, "exited with status 3")}, "1 3", 2},
		"seen in none":               {[]tend.Entry{own(1, 0, 10, tend.AwayCrashed), web(2, 15, "exited with status 3")}, "2", 1},
		"unseen, after two":          {[]tend.Entry{own(1, 0, 10, tend.AwayCrashed), own(2, 20, 30, tend.AwayUnknown), web(3, 30, unseen)}, "2 3", 0},
		"unseen, and nobody was to":  {[]tend.Entry{own(1, 0, 10, tend.AwayIdle), web(2, 10, unseen)}, "2", 1},
		"the first that there was":   {[]tend.Entry{{ID: 1, Kind: tend.NoteSupervised, Supervision: &tend.Supervision{}}, web(2, 1, "exited with status 3")}, "2", 1},
		"what cannot be read":        {[]tend.Entry{{ID: 1, Kind: tend.NoteSupervised}, web(2, 1, unseen)}, "2", 1},
		"unseen, and two kept apart": {[]tend.Entry{own(1, 0, 10, tend.AwayCrashed), web(2, 10, unseen), own(3, 20, 30, tend.AwayCrashed), web(4, 40, "exited with status 3")}, "1 2 4", 3},
	} {
		entries, last := concerned(test.entries)
		var kept []string
		for _, e := range entries {
			kept = append(kept, string(rune('0'+e.ID)))
		}
		if got := strings.Join(kept, " "); got != test.kept || len(last) > 0 != (test.last > 0) || len(last) > 0 && last[0].ID != test.last {
			t.Errorf("%s: kept %s, last %v; should be %s, %d", name, got, last, test.kept, test.last)
		}
	}
}

// said is what a command says while it is still at work.
type said struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// The kernel tells of a commit before it can be read, and then no more. It is shown all the same, once.
func TestFollowSeesACommitThatWasToldOfTooEarly(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	path := filepath.Join(t.TempDir(), "s.sqlite")
	writer, err := store.Open(ctx, path, store.Create)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	reader, err := store.Open(ctx, path, store.Existing)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	out := &said{}
	h := &happenings{App: &App{Stdout: out, Now: time.Now}, past: &past{survey: &survey{}, db: reader}, options: &eventsOptions{}}
	h.terminal = func() terminal { return terminal{} }
	changes, over := make(chan struct{}), make(chan error)
	go func() { over <- h.follow(ctx, changes) }()
	changes <- struct{}{}
	changes <- struct{}{} // what the first one led to is over
	if err := writer.Commit(ctx, store.Batch{Notes: []tend.Entry{{At: noon, Service: "web", Kind: tend.NoteReady, Text: "is ready"}}}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); !strings.Contains(out.String(), "is ready"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is not shown")
		}
	}
	changes <- struct{}{}
	changes <- struct{}{}
	cancel()
	if err := <-over; err != nil {
		t.Error(err)
	}
	if got := strings.Count(out.String(), "is ready"); got != 1 {
		t.Errorf("it is shown %d times", got)
	}
}
