package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Limits say how much of a log is kept. Zero is no limit.
type Limits struct {
	Max  int64         // bytes: a live file that is this long goes into an archive, of whole blocks and at least two of them
	Keep int           // archives
	Age  time.Duration // how long ago something was written
}

// A Rotator moves what has become too much in a log into archives, and removes what has become too old. No writer has to
// help, or notices, and whenever it is killed no byte is lost and none is there twice: see doc.go.
//
// There must be one for a log, so it belongs to who supervises. It is not for concurrent use, except that Compress may run
// beside anything else.
type Rotator struct {
	Without func(mechanism string) bool      // whether a mechanism must not be used; nil: all may be
	Log     func(format string, args ...any) // is told what nobody waits for; nil: nobody

	stopped   atomic.Bool
	mutex     sync.Mutex // of what follows, which Compress needs as well
	abilities map[string]ability
	said      map[string]bool

	refused map[refusal]bool
	inodes  map[string]uint64 // of the live files that were last seen
}

// Stop has what is being done with a log end as soon as it may, and nothing be begun any more. It may be called at any time.
// Whoever comes next goes on from there.
func (r *Rotator) Stop() { r.stopped.Store(true) }

// errStopped is why a copy is not whole.
var errStopped = errors.New("whoever rotates logs is leaving")

// refusal is a file that a mechanism was tried on in vain, though a probe had found it to work: it is not tried again.
type refusal struct {
	inode     uint64
	mechanism string
}

// Found is what a look at a log has found.
type Found struct {
	Size int64       // how much of it is in the live file, bytes: what Limits.Max is about
	End  int64       // of the stream
	File fs.FileInfo // the live file as it was then; nil: there is none

	// What was done to it behind our back. What it holds now follows what was known of it.
	Truncated bool
	Replaced  bool
	Missing   bool // and whatever comes in its place will follow
}

// Rotated is what a rotation has done.
type Rotated struct {
	Archived int64  // bytes that were moved into archives
	Dropped  int64  // bytes that were removed for good
	Method   string // "collapse", "punch", or "restart": only when the service starts again, see Swap
	Full     bool   // there was no room for an archive
}

// Look finds out how long the log is, and whether it was cut short, replaced or removed by somebody else, and keeps the
// stream's offsets growing all the same: it then writes a layout beside the file. known is the end of the stream as far as the
// caller remembers it.
func (r *Rotator) Look(path string, known int64) (Found, error) {
	if found, _, ordinary := r.glance(path, known); ordinary {
		return found, nil
	}
	w, err := r.examine(path, known)
	if err != nil {
		return Found{}, fmt.Errorf("looking at the log %q: %w", path, err)
	}
	defer w.close()
	if w.live != nil {
		w.found.File = w.info
	}
	return w.found, nil
}

// LookAnew is Look for a caller who knows that the live file was emptied since, which its length does not show: it is no
// shorter than it was.
func (r *Rotator) LookAnew(path string, known int64) (Found, error) {
	w, err := r.examine(path, known)
	if err == nil {
		defer w.close()
		err = w.beginAnew(known)
	}
	if err != nil {
		return Found{}, fmt.Errorf("looking at the log %q: %w", path, err)
	}
	return w.found, nil
}

// Recover brings to its end what was begun when we died, or makes it undone. It comes before anything else is done with
// the log, and before its service is started.
func (r *Rotator) Recover(path string) error {
	w, err := r.examine(path, 0)
	if err == nil {
		defer w.close()
		err = w.recover()
	}
	if err != nil {
		return fmt.Errorf("recovering the log %q: %w", path, err)
	}
	return nil
}

// Rotate brings the log within its limits as they are when it begins: who writes faster than it is archived has to be looked
// at again. Where the file system can neither collapse nor punch, only what is in archives already is brought within them.
func (r *Rotator) Rotate(path string, limits Limits, now time.Time) (Rotated, error) {
	w, err := r.examine(path, 0)
	if err == nil {
		defer w.close()
		err = w.rotate(limits, now)
	}
	if err != nil && !errors.Is(err, errStopped) {
		return w.result(), fmt.Errorf("rotating the log %q: %w", path, err)
	}
	return w.result(), nil
}

// a work is a log while something is done with it.
type work struct {
	*Rotator
	path     string
	live     *os.File // nil: there is none, or it is not a file
	writable bool
	info     fs.FileInfo
	layout   layout
	saved    bool // the layout is in its file
	archives []archive
	able     ability
	found    Found
	rotated  Rotated
	looked   time.Time // when it was so long as info says
	patience time.Time // till when a cut waits for writers to become calm
}

func (w *work) close() {
	if w.live != nil {
		_ = w.live.Close()
	}
}

func (w *work) result() Rotated {
	if w == nil {
		return Rotated{}
	}
	return w.rotated
}

func (w *work) rotate(limits Limits, now time.Time) error {
	if w.live == nil {
		return w.retain(limits, now)
	}
	if err := w.prepare(); err != nil {
		return err
	}
	if err := w.resume(); err != nil {
		return err
	}
	if err := w.retain(limits, now); err != nil {
		return err
	}
	if limits.Max <= 0 {
		return nil
	}
	if err := w.skip(limits); err != nil {
		return err
	}
	for n := w.beyond() / limits.Max; n > 0 && !w.stopped.Load(); n-- {
		again, err := w.archiveNext(limits.Max)
		if err != nil {
			return err
		}
		if err := w.retain(Limits{Keep: limits.Keep}, now); err != nil || !again {
			return err
		}
	}
	return nil
}

// prepare finds out what can be done with the log.
func (w *work) prepare() error {
	directory, err := filepath.EvalSymlinks(w.path) // the disk is that of the file itself
	if err != nil {
		return err
	}
	if w.writable {
		w.able, err = w.ability(filepath.Dir(directory))
	}
	if err != nil {
		w.rotated.Full = isFull(err)
		w.say(w.path, "the log %s cannot be rotated: %v", w.path, err)
	}
	if w.refused[refusal{w.layout.inode, Collapse}] {
		w.able.unit = 0
	}
	if w.refused[refusal{w.layout.inode, Punch}] {
		w.able.punch = false
	}
	w.rotated.Method = w.able.method()
	return nil
}

// ability probes a directory once. Where nothing can be made in it nothing can be done, which is tried again.
func (r *Rotator) ability(directory string) (ability, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if a, ok := r.abilities[directory]; ok {
		return a, nil
	}
	without := r.Without
	if without == nil {
		without = func(string) bool { return false }
	}
	a, err := probe(directory, without)
	if err != nil {
		return ability{}, err
	}
	if r.abilities == nil {
		r.abilities = map[string]ability{}
	}
	r.abilities[directory] = a
	return a, nil
}

// Method returns what the logs in the directory are rotated by: see Rotated.
func (r *Rotator) Method(directory string) (string, error) {
	a, err := r.ability(directory)
	return a.method(), err
}

// refuse takes note that the mechanism does not work on this file.
func (w *work) refuse(mechanism string, why error) {
	if w.refused == nil {
		w.refused = map[refusal]bool{}
	}
	w.refused[refusal{w.layout.inode, mechanism}] = true
	switch mechanism {
	case Collapse:
		w.able.unit = 0
	case Punch:
		w.able.punch = false
	}
	w.rotated.Method = w.able.method()
	w.say(w.path+mechanism, "the log %s is not rotated by a %s any more: %v", w.path, mechanism, why)
}

var errNoPlace = errors.New("the file system does not tell where its bytes are")

// say says something once.
func (r *Rotator) say(what, format string, args ...any) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.Log == nil || r.said[what] {
		return
	}
	if r.said == nil {
		r.said = map[string]bool{}
	}
	r.said[what] = true
	r.Log(format, args...)
}
