package logs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tend/internal/testenv"
)

// rotating is a log in a directory of its own, what was written to it, and who rotates it.
type rotating struct {
	*testing.T
	by   *Rotator
	path string
	text []byte
	said []string
}

func newRotating(t *testing.T, dir string, without ...string) *rotating {
	r := &rotating{T: t, path: filepath.Join(dir, "a.log")}
	r.by = &Rotator{
		Without: func(m string) bool { return slices.Contains(without, m) },
		Log:     func(format string, args ...any) { r.said = append(r.said, fmt.Sprintf(format, args...)) },
	}
	return r
}

// write appends so many bytes that are like no others.
func (r *rotating) write(size int) {
	r.Helper()
	text := make([]byte, size)
	source := rand.NewChaCha8([32]byte{byte(len(r.text)), byte(len(r.text) >> 8), byte(len(r.text) >> 16)})
	_, _ = source.Read(text)
	r.append(text)
}

func (r *rotating) append(text []byte) {
	r.Helper()
	file, err := os.OpenFile(r.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err == nil {
		_, err = file.Write(text)
		_ = file.Close()
	}
	if err != nil {
		r.Fatal(err)
	}
	r.text = append(r.text, text...)
}

func (r *rotating) rotate(l Limits) Rotated {
	r.Helper()
	done, err := r.by.Rotate(r.path, l, time.Now())
	if err != nil {
		r.Fatal(err)
	}
	return done
}

func (r *rotating) look(known int64) Found {
	r.Helper()
	found, err := r.by.Look(r.path, known)
	if err != nil {
		r.Fatal(err)
	}
	return found
}

// want compares the log with what was written from the offset on.
func (r *rotating) want(from int) {
	r.Helper()
	if err := sameBytes(stored(r, r.path), r.text[from:]); err != nil {
		r.Error(err)
	}
}

func (r *rotating) archives() []archive {
	r.Helper()
	archives, err := listArchives(r.path)
	if err != nil {
		r.Fatal(err)
	}
	return archives
}

func (r *rotating) layout() layout {
	r.Helper()
	l, err := loadLayout(r.path)
	if err != nil {
		r.Fatal(err)
	}
	return l
}

// used is the disk space of the live file, bytes.
func (r *rotating) used() int64 {
	var stat unix.Stat_t
	if err := unix.Stat(r.path, &stat); err != nil {
		r.Fatal(err)
	}
	return stat.Blocks * 512
}

// eachMethod runs the test with each method that the disk of the tests has.
func eachMethod(t *testing.T, test func(r *rotating)) {
	dir := t.TempDir()
	can, err := probe(dir, func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	if can.unit > 0 {
		t.Run(Collapse, func(t *testing.T) { test(newRotating(t, t.TempDir())) })
	}
	if can.punch {
		t.Run(Punch, func(t *testing.T) { test(newRotating(t, t.TempDir(), Collapse)) })
	}
}

func TestRotateMovesWhatIsTooMuch(t *testing.T) {
	eachMethod(t, func(r *rotating) {
		limits := Limits{Max: 1 << 20}
		r.write(1<<20 - 1)
		if got := r.rotate(limits); got.Archived != 0 || len(r.archives()) != 0 {
			t.Errorf("below the limit: %+v", got)
		}
		if _, err := os.Stat(layoutPath(r.path)); err == nil {
			t.Error("a log that was never rotated has a layout")
		}
		for i := range 5 {
			r.write(1<<20 + i*777_777)
			got := r.rotate(limits)
			found := r.look(0)
			if got.Archived < 1<<19 || got.Archived%4096 != 0 || found.Size >= limits.Max || found.End != int64(len(r.text)) {
				t.Errorf("%+v, then %+v of %d", got, found, len(r.text))
			}
			if used := r.used(); used > found.Size+1<<17 {
				t.Errorf("%d bytes of disk for %d", used, found.Size)
			}
			if err := r.by.Recover(r.path); err != nil {
				t.Error(err)
			}
			r.want(0)
		}
		for _, a := range r.archives() {
			if info, err := os.Stat(a.path); err != nil || info.Mode().Perm() != 0o640 || a.end-a.start > 2<<20 {
				t.Errorf("%+v: %v, %v", a, info.Mode(), err)
			}
		}
		if len(r.said) > 0 {
			t.Error(r.said)
		}
	})
}

func TestRotateInPieces(t *testing.T) {
	eachMethod(t, func(r *rotating) {
		r.write(pieceMost*2 + 5000)
		r.rotate(Limits{Max: pieceMost * 2})
		if n := len(r.archives()); n != 1 || r.look(0).Size > 5000+4096 {
			t.Errorf("%d archives, %+v", n, r.look(0))
		}
		r.want(0)
	})
}

func TestKeep(t *testing.T) {
	eachMethod(t, func(r *rotating) {
		r.write(1 << 20)
		got := r.rotate(Limits{Max: 100_000, Keep: 3})
		if n := len(r.archives()); n != 3 || got.Dropped == 0 {
			t.Errorf("%d archives, %+v", n, got)
		}
		r.want(int(got.Dropped))
		if got.Archived > 4*100_000 {
			t.Errorf("%d bytes were copied of which no more than three archives are kept", got.Archived)
		}
		if got := r.rotate(Limits{Max: 1 << 30, Keep: 1}); len(r.archives()) != 1 || got.Archived != 0 {
			t.Errorf("%d archives, %+v", len(r.archives()), got)
		}
	})
}

func TestAge(t *testing.T) {
	eachMethod(t, func(r *rotating) {
		now := time.Now()
		marker := NewMarker(MarksPath(r.path))
		t.Cleanup(marker.Close)
		for i := range 10 { // one a day, the last one today
			r.write(150_000)
			if err := marker.Add(Mark{int64(len(r.text)), now.Add(time.Duration(i-9) * 24 * time.Hour)}); err != nil {
				t.Fatal(err)
			}
		}
		r.rotate(Limits{Max: 500_000})
		if n := len(r.archives()); n != 3 {
			t.Fatalf("%d archives", n)
		}
		// What is older than three days and a half is 900,000 bytes: the first archive, and not all of the second.
		got, err := r.by.Rotate(r.path, Limits{Age: 84 * time.Hour}, now)
		if err != nil || len(r.archives()) != 2 || got.Dropped < 400_000 || got.Dropped > 500_000 {
			t.Errorf("%+v, %v, %d archives", got, err, len(r.archives()))
		}
		r.want(int(got.Dropped))
		for _, a := range r.archives() { // the archives are older than any mark
			if err := os.Chtimes(a.path, now.Add(-1000*time.Hour), now.Add(-1000*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		dropped := got.Dropped
		got, err = r.by.Rotate(r.path, Limits{Age: 84 * time.Hour}, now)
		if err != nil || len(r.archives()) != 0 {
			t.Errorf("%+v, %v, %d archives", got, err, len(r.archives()))
		}
		dropped += got.Dropped
		r.want(int(dropped))
		r.write(300_000)
		got, err = r.by.Rotate(r.path, Limits{Age: time.Hour}, now.Add(2*time.Hour)) // now also of the live file
		dropped += got.Dropped
		if left := 1_500_000 - dropped; err != nil || left < 0 || left > 4096 {
			t.Errorf("%+v, %v, %d old bytes are left", got, err, left)
		}
		r.want(int(dropped))
	})
}

func TestTruncatedAndAsLongAgain(t *testing.T) {
	eachMethod(t, func(r *rotating) {
		for round := range 3 { // at first without a layout
			r.write(100)
			end := int64(len(r.text))
			if err := os.Truncate(r.path, 0); err != nil {
				t.Fatal(err)
			}
			r.write(100 + round)
			found, err := r.by.LookAnew(r.path, end)
			if err != nil || !found.Truncated || found.End != int64(len(r.text)) || found.Size != int64(100+round) || found.File == nil {
				t.Errorf("%d: %+v, %v", round, found, err)
			}
			if found := r.look(int64(len(r.text))); found.Truncated || found.End != int64(len(r.text)) {
				t.Errorf("%d, again: %+v", round, found)
			}
			r.want(int(end))
		}
	})
}

func TestTruncated(t *testing.T) {
	eachMethod(t, func(r *rotating) {
		r.write(300_000)
		if found := r.look(300_000); found.Truncated || found.End != 300_000 {
			t.Errorf("%+v", found)
		}
		for round := range 3 { // at first without a layout
			end := int64(len(r.text))
			if err := os.Truncate(r.path, 0); err != nil {
				t.Fatal(err)
			}
			r.write(10)
			found := r.look(end)
			if !found.Truncated || found.Replaced || found.End != end+10 || found.Size != 10 {
				t.Errorf("%d: %+v", round, found)
			}
			if found := r.look(end + 10); found.Truncated || found.End != end+10 {
				t.Errorf("%d, again: %+v", round, found)
			}
			r.write(300_000)
			r.rotate(Limits{Max: 100_000})
			if found := r.look(int64(len(r.text))); found.Truncated || found.End != int64(len(r.text)) {
				t.Errorf("%d, at last: %+v", round, found)
			}
		}
		if epoch := r.layout().epoch; epoch != 3 {
			t.Errorf("epoch %d", epoch)
		}
	})
}

func TestReplaced(t *testing.T) {
	eachMethod(t, func(r *rotating) {
		r.write(500_000)
		r.rotate(Limits{Max: 200_000})
		end := int64(len(r.text))
		old, err := os.ReadFile(r.path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(r.path, r.path+".away"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if found := r.look(end); !found.Missing || found.End != end || found.Truncated {
				t.Errorf("%+v", found)
			}
		}
		r.write(2_000_000)
		if found := r.look(end); found.Missing || found.End != int64(len(r.text)) || found.Size != 2_000_000 {
			t.Errorf("%+v", found)
		}
		if err := os.Rename(r.path+".away", r.path); err != nil {
			t.Fatal(err)
		}
		end = int64(len(r.text))
		found := r.look(end)
		if !found.Replaced || found.End != end+int64(len(old)) {
			t.Errorf("%+v", found)
		}
		end = found.End
		if err := os.Remove(r.path); err != nil { // and a backup of the very same
			t.Fatal(err)
		}
		if err := os.WriteFile(r.path, old, 0o600); err != nil {
			t.Fatal(err)
		}
		if found := r.look(end); found.Replaced || found.Truncated || found.End != end {
			t.Errorf("a copy: %+v", found)
		}
	})
}

func TestLookWithoutADirectory(t *testing.T) {
	r := newRotating(t, filepath.Join(t.TempDir(), "gone"))
	if found := r.look(77); !found.Missing || found.End != 77 {
		t.Errorf("%+v", found)
	}
	if _, err := r.by.Rotate(r.path, Limits{Max: 1, Keep: 1, Age: time.Hour}, time.Now()); err != nil {
		t.Error(err)
	}
	if err := r.by.Recover(r.path); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoFileIsLeftAlone(t *testing.T) {
	r := newRotating(t, "/dev")
	r.path = "/dev/null"
	if found := r.look(0); found != (Found{}) {
		t.Errorf("%+v", found)
	}
	r.rotate(Limits{Max: 1, Keep: 1, Age: time.Hour})
	if err := r.by.Recover(r.path); err != nil {
		t.Error(err)
	}
}

func TestRotateWithoutAnArchive(t *testing.T) {
	eachMethod(t, func(r *rotating) {
		r.write(500_000)
		r.rotate(Limits{Max: 100_000})
		archives := r.archives()
		if err := os.Remove(archives[len(archives)-1].path); err != nil { // by hand
			t.Fatal(err)
		}
		r.write(500_000)
		if err := r.by.Recover(r.path); err != nil {
			t.Fatal(err)
		}
		if found := r.look(int64(len(r.text))); found.Truncated || found.End != int64(len(r.text)) {
			t.Errorf("%+v", found)
		}
		r.rotate(Limits{Max: 100_000})
		if last := r.archives()[len(r.archives())-1]; !bytes.Equal(unpacked(t, last), r.text[last.start:last.end]) {
			t.Error("what was archived is not what was written")
		}
	})
}

// The file system says yes to the probe, and no to this file.
func TestRotateWhereCollapseIsRefused(t *testing.T) {
	const extents = 0x80000 // EXT4_EXTENTS_FL, see ioctl_iflags(2)
	r := newRotating(t, t.TempDir())
	r.write(10)
	file, err := os.OpenFile(r.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	flags, err := unix.IoctlGetInt(int(file.Fd()), unix.FS_IOC_GETFLAGS)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(file.Fd()), unix.FS_IOC_SETFLAGS, flags&^extents)
	}
	if err != nil || flags&extents == 0 {
		t.Skipf("this disk has no files without extents: %v", err)
	}
	for range 2 {
		r.write(500_000)
		if got := r.rotate(Limits{Max: 100_000}); got.Method != Punch || got.Archived < 300_000 {
			t.Errorf("%+v", got)
		}
		r.want(0)
	}
	if len(r.said) != 1 || !strings.Contains(r.said[0], "collapse") {
		t.Errorf("%q", r.said)
	}
	if r.used() > 200_000 {
		t.Errorf("%d bytes of disk", r.used())
	}
}

func TestRotateInADirectoryThatCannotBeWrittenTo(t *testing.T) {
	r := newRotating(t, t.TempDir())
	r.write(500_000)
	closed := filepath.Dir(r.path)
	if os.Geteuid() == 0 { // who may do everything: but not to what is immutable
		const immutable = 0x10
		file, err := os.Open(closed)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		flags, err := unix.IoctlGetInt(int(file.Fd()), unix.FS_IOC_GETFLAGS)
		if err == nil {
			err = unix.IoctlSetPointerInt(int(file.Fd()), unix.FS_IOC_SETFLAGS, flags|immutable)
		}
		if err != nil {
			testenv.Missing(t, "a disk whose directories can be made immutable")
		}
		defer func() { _ = unix.IoctlSetPointerInt(int(file.Fd()), unix.FS_IOC_SETFLAGS, flags) }()
	} else {
		if err := os.Chmod(closed, 0o500); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.Chmod(closed, 0o700) }()
	}
	for range 2 {
		if err := r.by.Recover(r.path); err != nil {
			t.Error(err)
		}
		if got := r.rotate(Limits{Max: 100_000}); got.Archived != 0 || got.Method != "restart" {
			t.Errorf("%+v", got)
		}
		if found := r.look(0); found.End != 500_000 {
			t.Errorf("%+v", found)
		}
	}
	if len(r.said) != 1 {
		t.Errorf("%q", r.said)
	}
	r.want(0)
}

// Who is told to stop leaves what is whole, and whoever comes next goes on from there.
func TestStop(t *testing.T) {
	eachMethod(t, func(r *rotating) {
		stopped := &Rotator{Without: r.by.Without}
		limits := Limits{Max: 200_000}
		r.write(700_000)
		w, err := stopped.examine(r.path, 0)
		if err == nil {
			err = w.prepare()
		}
		if err == nil {
			_, err = w.archive(200_000 - 200_000%(2*units[1]))
		}
		stopped.Stop()
		if err == nil {
			err = w.advance(w.archives[0].end)
		}
		w.close()
		if err == nil {
			_, err = stopped.Rotate(r.path, limits, time.Now())
		}
		if err == nil {
			err = stopped.Ready(r.path, limits, time.Now())
		}
		if err != nil {
			t.Fatal(err)
		}
		if l := r.layout(); len(r.archives()) != 1 || l.head != r.archives()[0].end || w.able.unit > 0 && l.base != 0 {
			t.Errorf("%+v, %+v", r.archives(), l)
		}
		if left, _ := filepath.Glob(r.path + ".*"); len(left) != 2 { // the archive and the index
			t.Errorf("there is %v", left)
		}
		r.want(0)
		r.rotate(limits)
		if got := r.look(0); len(r.archives()) < 3 || got.Size >= 200_000 {
			t.Errorf("%+v, %+v", r.archives(), got)
		}
		r.want(0)
	})
}

// Where there are no leases, /proc says who writes, and his file stays where it is.
func TestSwapWithoutLeases(t *testing.T) {
	r := newRotating(t, t.TempDir(), Collapse, Punch, Lease)
	r.write(300_000)
	h := held(t, r.path)
	for _, want := range []int64{0, 300_000} {
		done, err := r.by.Swap(r.path, Limits{Max: 100_000}, time.Now())
		if err != nil || done.Archived != want {
			t.Errorf("%+v, %v", done, err)
		}
		r.want(0)
		h.kill()
	}
}
