package logs

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever is done to a log, in whatever order: each byte keeps its offset, a reader finds it there until it is gone, and a
// follower gets it once.
func TestEveryByteKeepsItsOffset(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rt)
		defer w.close()
		rt.Repeat(map[string]func(*rapid.T){
			"":         w.check,
			"write":    w.write,
			"collapse": w.collapse,
			"punch":    w.punch,
			"swap":     w.swap,
			"compress": w.compress,
			"drop":     w.drop,
			"truncate": w.truncate,
			"replace":  w.replace,
		})
		w.awaitFollower(rt)
	})
}

// A reader comes late: the file that it has was replaced, and the next one removed as well. What it has held all the time
// is nothing new, though marks tell of more than that.
func TestTheFileThatIsHeldIsNothingNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	first := mustOpen(t, path)
	say(t, first, "what it has read\n")
	s, err := OpenStream(path)
	noError(t, err)
	defer s.Close()
	read, err := s.End()
	noError(t, err)

	noError(t, os.Remove(path))
	second := mustOpen(t, path)
	info, err := second.Stat()
	noError(t, err)
	say(t, second, "unseen\n")
	known := read + int64(len("unseen\n"))
	l := layout{}.begun(inodeOf(info), read)
	l.head = known // it was archived, and dropped since
	noError(t, l.save(path, false))
	m := NewMarker(MarksPath(path))
	noError(t, m.Add(Mark{known, time.Now()}))
	m.Close()
	noError(t, os.Remove(path))
	if end, err := s.End(); err != nil || end != read {
		t.Errorf("the stream ends at %d, %v; what was read of it at %d", end, err, read)
	}

	third := mustOpen(t, path)
	say(t, third, "new\n")
	text := make([]byte, 100)
	end, err := s.End()
	if err != nil || end != known+int64(len("new\n")) {
		t.Errorf("the stream ends at %d, %v; before the new file at %d", end, err, known)
	}
	if n, _ := s.ReadAt(text, known); string(text[:n]) != "new\n" {
		t.Errorf("%q is read", text[:n])
	}
}

// testUnit is what collapses are multiples of; so small that nothing takes long.
const testUnit = 4096

// world is a log, what must be in it, and who reads it meanwhile. What is done to the file is what the rotator does, with a
// simulated collapse, so that it can be done on every file system.
type world struct {
	path     string
	live     *os.File
	layout   layout
	archives []archive
	random   *rand.Rand

	mutex    sync.Mutex // of the model
	model    []byte     // by offset
	gone     [][2]int64
	followed int64 // by the follower
	wrong    string

	reading sync.Mutex // held while the reader beside must not read: a shrunk file tells only who knew how long it was
	reader  *Stream
	news    chan struct{}
	stop    func()
}

func newWorld(t *testing.T, rt *rapid.T) *world {
	directory, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{path: filepath.Join(directory, "a.log"), news: make(chan struct{}, 1)}
	seed := rapid.Uint64().Draw(rt, "seed")
	w.random = rand.New(rand.NewPCG(seed, 1))
	w.layout.inode = w.create(rt)
	noError(rt, w.layout.save(w.path, false)) // else nobody who comes later could tell that the file was replaced
	w.write(rt)
	w.reader = NewStream(w.path)
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		s := NewStream(w.path)
		defer s.Close()
		if err := s.Follow(ctx, 0, w.take); err != nil {
			w.fail("following: %v", err)
		}
	})
	random := rand.New(rand.NewPCG(seed, 2))
	group.Go(func() {
		s := NewStream(w.path)
		defer s.Close()
		for ctx.Err() == nil {
			w.reading.Lock()
			w.mutex.Lock()
			length := int64(len(w.model))
			w.mutex.Unlock()
			w.compare(s, random.Int64N(length+1), 1+random.IntN(3*testUnit), false)
			_, _ = s.End()
			w.reading.Unlock()
		}
	})
	w.awaitFollower(rt)
	w.stop = func() { cancel(); group.Wait() }
	return w
}

func (w *world) close() {
	w.stop()
	w.reader.Close()
	w.live.Close()
	os.RemoveAll(filepath.Dir(w.path))
}

func (w *world) fail(format string, args ...any) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.wrong == "" {
		w.wrong = fmt.Sprintf(format, args...)
	}
}

func noError(t interface{ Fatal(...any) }, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) create(rt *rapid.T) uint64 {
	if w.live != nil {
		w.live.Close()
	}
	var err error
	w.live, err = os.OpenFile(w.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	noError(rt, err)
	info, err := w.live.Stat()
	noError(rt, err)
	return inodeOf(info)
}

func (w *world) size(rt *rapid.T) int64 {
	info, err := w.live.Stat()
	noError(rt, err)
	return info.Size()
}

func (w *world) end() int64 { return int64(len(w.model)) }

func (w *world) write(rt *rapid.T) {
	text := make([]byte, rapid.IntRange(1, 5*testUnit).Draw(rt, "length"))
	for i := range text {
		text[i] = "abcdefghijklmnopqrstuvwxyz \x00\xff\n\n\n"[w.random.IntN(32)]
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.model = append(w.model, text...)
	_, err := w.live.Write(text)
	noError(rt, err)
}

// archive copies what is before the offset into an archive, unless it is only to be dropped, and has the head follow.
func (w *world) archive(rt *rapid.T, to int64) {
	if rapid.IntRange(0, 9).Draw(rt, "age") == 0 {
		w.lose(w.layout.head, to)
	} else {
		a := archive{path: archivePath(w.path, w.layout.head, to), start: w.layout.head, end: to}
		noError(rt, os.WriteFile(partPath(w.path), w.model[a.start:a.end], 0o600))
		noError(rt, os.Rename(partPath(w.path), a.path))
		w.archives = append(w.archives, a)
	}
	w.layout.head = to
}

func (w *world) lose(from, to int64) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.gone = append(w.gone, [2]int64{from, to})
}

// collapse archives some units, and takes them out of the file, perhaps with a gap as XFS leaves one.
func (w *world) collapse(rt *rapid.T) {
	size := w.size(rt)
	if size <= testUnit {
		rt.Skip()
	}
	length := testUnit * rapid.Int64Range(1, (size-1)/testUnit).Draw(rt, "units")
	if to := w.layout.logical(length); to > w.layout.head {
		w.archive(rt, to)
	}
	w.layout.cut = &cut{length: length, first: 1, next: 2, size: size}
	noError(rt, w.layout.save(w.path, false))
	text := make([]byte, size)
	_, err := w.live.ReadAt(text, 0)
	noError(rt, err)
	file, err := os.OpenFile(w.path, os.O_WRONLY, 0)
	noError(rt, err)
	defer file.Close()
	_, err = file.WriteAt(append(text[length:], make([]byte, length)...), 0)
	noError(rt, err)
	w.layout = w.layout.shortened(length)
	if rapid.Bool().Draw(rt, "gap") {
		w.layout.gaps = append(w.layout.gaps, gap{size - length, length})
	} else {
		noError(rt, file.Truncate(size-length))
	}
	noError(rt, w.layout.save(w.path, false))
}

func (w *world) punch(rt *rapid.T) {
	from, to := w.layout.head, w.end()
	if from == to {
		rt.Skip()
	}
	w.archive(rt, rapid.Int64Range(from+1, to).Draw(rt, "to"))
	noError(rt, w.layout.save(w.path, false))
	file, err := os.OpenFile(w.path, os.O_WRONLY, 0)
	noError(rt, err)
	defer file.Close()
	_, err = file.WriteAt(make([]byte, w.layout.physical(w.layout.head)), 0)
	noError(rt, err)
}

// swap makes the live file an archive, by its name alone where all of it is to be there.
func (w *world) swap(rt *rapid.T) {
	if w.layout.head == w.end() {
		rt.Skip()
	}
	next := w.path + ".next"
	noError(rt, os.WriteFile(next, nil, 0o600))
	info, err := os.Stat(next)
	noError(rt, err)
	whole := w.layout.head == w.layout.base && w.layout.gaps == nil
	if !whole {
		w.archive(rt, w.end())
	}
	w.layout.swap = &swap{inodeOf(info), w.end()}
	noError(rt, w.layout.save(w.path, false))
	if whole {
		a := archive{path: archivePath(w.path, w.layout.head, w.end()), start: w.layout.head, end: w.end()}
		noError(rt, os.Rename(w.path, a.path))
		w.archives = append(w.archives, a)
	}
	noError(rt, os.Rename(next, w.path))
	w.create(rt)
	w.layout = w.layout.swapped()
	noError(rt, w.layout.save(w.path, false))
}

// compress compresses an archive, as we do it or as a user would.
func (w *world) compress(rt *rapid.T) {
	for i, a := range w.archives {
		if a.packed {
			continue
		}
		var packed bytes.Buffer
		if rapid.Bool().Draw(rt, "ours") {
			out, err := newMemberWriter(&packed)
			noError(rt, err)
			noError(rt, out.write(w.model[a.start:a.end]))
		} else {
			out := gzip.NewWriter(&packed)
			_, err := out.Write(w.model[a.start:a.end])
			noError(rt, errors.Join(err, out.Close()))
		}
		noError(rt, os.WriteFile(partPath(w.path), packed.Bytes(), 0o600))
		noError(rt, os.Rename(partPath(w.path), a.path+packedSuffix))
		noError(rt, os.Remove(a.path))
		w.archives[i].path, w.archives[i].packed = a.path+packedSuffix, true
		return
	}
	rt.Skip()
}

func (w *world) drop(rt *rapid.T) {
	if len(w.archives) == 0 {
		rt.Skip()
	}
	a := w.archives[0]
	w.archives = w.archives[1:]
	w.lose(a.start, a.end)
	noError(rt, os.Remove(a.path))
}

// truncate is what a service does with > /dev/stdout. The rotator notices sooner or later.
func (w *world) truncate(rt *rapid.T) {
	if w.size(rt) < 2 {
		rt.Skip()
	}
	w.behindOurBack(rt, func() {
		noError(rt, os.Truncate(w.path, 0))
	})
}

func (w *world) replace(rt *rapid.T) {
	w.behindOurBack(rt, func() {
		noError(rt, os.Remove(w.path))
		w.create(rt)
	})
}

func (w *world) behindOurBack(rt *rapid.T, do func()) {
	w.awaitFollower(rt)
	w.reading.Lock()
	defer w.reading.Unlock()
	_, err := w.reader.End()
	noError(rt, err)
	m := NewMarker(MarksPath(w.path))
	noError(rt, m.Add(Mark{w.end(), time.Now()}))
	m.Close()
	w.lose(w.layout.head, w.end())
	known := w.end()
	do()
	info, err := w.live.Stat()
	noError(rt, err)
	if rapid.Bool().Draw(rt, "late") {
		w.mutex.Lock()
		w.model = append(w.model, 'x')
		_, err := w.live.WriteString("x")
		w.mutex.Unlock()
		noError(rt, err)
		w.check(rt)
		w.awaitFollower(rt)
	}
	w.layout = w.layout.begun(inodeOf(info), known)
	noError(rt, w.layout.save(w.path, false))
}

// check has a reader that was there all the time and one that comes just now read something.
func (w *world) check(rt *rapid.T) {
	fresh := NewStream(w.path)
	defer fresh.Close()
	for _, s := range []*Stream{w.reader, fresh} {
		if end, err := s.End(); err != nil || end != w.end() {
			rt.Fatalf("the end is %d, %v; want %d", end, err, w.end())
		}
		w.compare(s, rapid.Int64Range(0, w.end()+1).Draw(rt, "offset"), rapid.IntRange(1, 4*testUnit).Draw(rt, "length"), s == fresh)
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.wrong != "" {
		rt.Fatal(w.wrong)
	}
}

// compare reads, and compares with the model. To one that has held a file open there may be what is gone for others.
func (w *world) compare(s *Stream, off int64, length int, exact bool) {
	text := make([]byte, length)
	n, err := s.ReadAt(text, off)
	w.mutex.Lock()
	defer w.mutex.Unlock()
	say := func(format string, args ...any) {
		if w.wrong == "" {
			w.wrong = fmt.Sprintf("reading %d bytes at %d of %d: ", length, off, len(w.model)) + fmt.Sprintf(format, args...)
		}
	}
	if off < w.end() && !bytes.Equal(w.model[off:min(w.end(), off+int64(n))], text[:n]) {
		say("other ones are read (%d, %v), by %+v", n, err, s.view.layout)
	}
	at := off + int64(n)
	var missing *GoneError
	switch {
	case errors.As(err, &missing):
		if !w.isGone(at) || missing.Next <= at || missing.Next < w.end() && w.isGone(missing.Next) && exact {
			say("%d is gone, up to %d (%v), by %+v and %+v", at, missing.Next, missing, s.view.layout, s.archives)
		}
	case errors.Is(err, io.EOF):
		if exact && at < w.end() {
			say("it ends at %d", at)
		}
	case err != nil:
		say("%v", err)
	}
	if exact && n > 0 && w.isGone(off) {
		say("what is gone is there")
	}
}

func (w *world) isGone(at int64) bool {
	for _, g := range w.gone {
		if g[0] <= at && at < g[1] {
			return true
		}
	}
	return false
}

// take is the follower's.
func (w *world) take(offset int64, text []byte) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for at := w.followed; at < offset && w.wrong == ""; at++ {
		if !w.isGone(at) {
			w.wrong = fmt.Sprintf("the follower has left out %d to %d", at, offset)
		}
	}
	end := offset + int64(len(text))
	if w.wrong == "" && (offset < w.followed || end > w.end() || !bytes.Equal(w.model[offset:end], text)) {
		w.wrong = fmt.Sprintf("the follower, at %d of %d, gets %d bytes from %d", w.followed, w.end(), len(text), offset)
	}
	w.followed = end
	select {
	case w.news <- struct{}{}:
	default:
	}
	return nil
}

func (w *world) awaitFollower(rt *rapid.T) {
	timeout := time.After(time.Minute)
	for {
		w.mutex.Lock()
		at := w.followed
		for at < w.end() && w.isGone(at) {
			at++
		}
		done, wrong := at == w.end(), w.wrong
		w.mutex.Unlock()
		if wrong != "" {
			rt.Fatal(wrong)
		}
		if done {
			return
		}
		select {
		case <-w.news:
		case <-timeout:
			rt.Fatalf("the follower has stopped at %d of %d: %s", at, w.end(), w.wrong)
		}
	}
}
