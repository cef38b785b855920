package watch

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tend"
)

// Target is what is watched for one service.
type Target struct {
	Service   string
	Directory string    // that its patterns are relative to
	Globs     []string  // see tend.ParseGlob; what is none is passed over
	Ignore    []string  // files that are written for it, with what is in them or has an ending more, after . or -
	Since     time.Time // a file that was written after that has changed, although nobody has seen it
}

// same reports whether it is the same that is watched.
func (t Target) same(other Target) bool {
	return t.Directory == other.Directory && slices.Equal(t.Globs, other.Globs) && slices.Equal(t.Ignore, other.Ignore)
}

// watched is a target, and what is known of it.
type watched struct {
	Target
	globs   []tend.Glob
	folders map[string]bool // watched for it
	burst   burst
	stale   bool // directories have come or gone
	trouble string
	retryAt time.Time // what could not be watched is tried again then
}

func newWatched(t Target) *watched {
	w := &watched{Target: t, folders: map[string]bool{}}
	for _, text := range t.Globs {
		if g, err := tend.ParseGlob(text, t.Directory); err == nil {
			w.globs = append(w.globs, g)
		}
	}
	return w
}

// means reports whether the file is one that the service is restarted for.
func (w *watched) means(file string) bool {
	if tend.Scratch(filepath.Base(file)) || slices.ContainsFunc(w.Ignore, func(own string) bool {
		rest, begins := strings.CutPrefix(file, own)
		return begins && (rest == "" || strings.ContainsAny(rest[:1], "./-"))
	}) {
		return false
	}
	return slices.ContainsFunc(w.globs, func(g tend.Glob) bool { return g.Matches(file) })
}

// enters reports whether there may be such files in the directory.
func (w *watched) enters(directory string) bool {
	return slices.ContainsFunc(w.globs, func(g tend.Glob) bool { return g.Enters(directory) })
}

// burst is what has changed and was not told of yet.
type burst struct {
	files []string
	began time.Time // when the first change was heard of, and the last one
	last  time.Time
	at    time.Time // when the last one was, by the clock of the file system
}

const (
	quiet   = 200 * time.Millisecond // without a change, and the burst is over
	longest = 5 * time.Second        // that a burst is waited for
)

func (b *burst) add(file string, at, now time.Time) {
	if b.began.IsZero() {
		b.began = now
	}
	b.last = now
	if at.After(b.at) {
		b.at = at
	}
	if !slices.Contains(b.files, file) && len(b.files) < 1000 {
		b.files = append(b.files, file)
	}
}

// due is when it is told; zero: there is none.
func (b *burst) due() time.Time {
	if b.began.IsZero() {
		return time.Time{}
	}
	due := b.last.Add(quiet)
	if end := b.began.Add(longest); end.Before(due) {
		return end
	}
	return due
}

// words names the files, as seen from the directory of the service.
func (w *watched) words() string {
	name := w.burst.files[0]
	if relative, err := filepath.Rel(w.Directory, name); err == nil && !strings.HasPrefix(relative, "..") {
		name = relative
	}
	switch n := len(w.burst.files) - 1; n {
	case 0:
		return name + " has changed"
	case 1:
		return name + " and 1 other file have changed"
	default:
		return fmt.Sprintf("%s and %d other files have changed", name, n)
	}
}
