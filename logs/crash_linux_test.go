package logs

import (
	"bufio"
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tend/internal/fault"
	"tend/internal/testenv"
)

// step has another process do once what a supervisor does, and die at the point, if there is one. It reports whether it did.
func (r *rotating) step(point fault.Point, without string, args ...string) bool {
	r.Helper()
	faults := r.TempDir()
	if point != "" {
		if err := fault.Arm(faults, point, ""); err != nil {
			r.Fatal(err)
		}
	}
	a := startActor(r, []string{fault.Variable + "=" + faults, "TEND_WITHOUT=" + without}, "step", append([]string{r.path}, args...)...)
	<-a.ended
	died := point != "" && !fault.Armed(faults, point)
	if !died && !a.ProcessState.Success() {
		r.Fatalf("%v\n%s", a.ProcessState, a.errors.String())
	}
	return died
}

// Whatever point it dies at, and whatever point whoever brings that to its end dies at, nothing is lost, nothing is there
// twice, and nothing is left lying about.
func TestRecoverAtEachPoint(t *testing.T) {
	t.Parallel()
	can, err := probe(t.TempDir(), func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	var points []fault.Point
	for _, p := range fault.Points() {
		if strings.HasPrefix(string(p), "logs.") {
			points = append(points, p)
		}
	}
	reached := map[fault.Point]bool{}
	for _, without := range []string{"", "collapse", "collapse,punch", "collapse,punch,lease"} {
		for _, first := range points {
			r := newRotating(t, t.TempDir(), strings.Split(without, ",")...)
			r.write(700_000)
			if !r.step(first, without, "200000", "0") {
				continue
			}
			reached[first] = true
			if rand.IntN(2) == 0 {
				r.write(10) // who writes, goes on
			}
			r.step(points[rand.IntN(len(points))], without, "200000", "0")
			r.write(300_000)
			if err := r.by.Recover(r.path); err != nil {
				t.Fatalf("%s, %s: %v", without, first, err)
			}
			r.want(0)
			if l := r.layout(); l.epoch != 0 || l.cut != nil || l.swap != nil {
				t.Errorf("%s, %s: %+v", without, first, l)
			}
			r.step("", without, "200000", "0")
			r.want(0)
			r.wantNothingElse()
		}
	}
	for _, p := range points {
		if !reached[p] && p != fault.LogsDropped && (can.unit > 0 || p != fault.LogsCollapsed) {
			t.Errorf("nobody came to %s", p)
		}
	}
}

// wantNothingElse wants no file but the log, its layout and archives, which are all compressed.
func (r *rotating) wantNothingElse() {
	r.Helper()
	entries, err := os.ReadDir(filepath.Dir(r.path))
	if err != nil {
		r.Fatal(err)
	}
	for _, e := range entries {
		a, ok := parseArchive(r.path, e.Name())
		if !(ok && a.packed) && e.Name() != filepath.Base(r.path) && e.Name() != filepath.Base(layoutPath(r.path)) {
			r.Errorf("%s is left", e.Name())
		}
	}
}

func TestRecoverWhileDropping(t *testing.T) {
	r := newRotating(t, t.TempDir())
	r.write(1_000_000)
	r.step("", "", "100000", "0")
	before := len(r.archives())
	if !r.step(fault.LogsDropped, "", "100000", "2") || len(r.archives()) != before-1 {
		t.Fatal("it did not die")
	}
	r.want(int(r.archives()[0].start))
	r.step("", "", "100000", "2")
	if len(r.archives()) != 2 {
		t.Errorf("%d archives", len(r.archives()))
	}
	r.want(int(r.archives()[0].start))
}

// A log that was cut short between our death and our return begins anew, and what was archived stays.
func TestRecoverOfWhatWasCutShort(t *testing.T) {
	for _, point := range []fault.Point{fault.LogsCopied, fault.LogsArchived, fault.LogsAnnounced, fault.LogsCollapsed} {
		r := newRotating(t, t.TempDir())
		r.write(700_000)
		if !r.step(point, "", "200000", "0") {
			t.Skip("no collapse")
		}
		archived := 0
		if n := r.archives(); len(n) > 0 {
			archived = int(n[0].end)
		}
		if err := os.Truncate(r.path, 0); err != nil {
			t.Fatal(err)
		}
		text := r.text[:archived]
		r.text = nil
		r.write(100)
		found := r.look(700_000)
		if !found.Truncated || found.End != 700_100 {
			t.Errorf("%s: %+v", point, found)
		}
		if err := r.by.Recover(r.path); err != nil {
			t.Error(err)
		}
		live, _ := os.ReadFile(r.path)
		if !bytes.Equal(live, r.text) {
			t.Errorf("%s: the live file holds %q", point, live)
		}
		if n := r.archives(); len(n) > 0 && !bytes.Equal(unpacked(t, n[0]), text) {
			t.Errorf("%s: the archive is not what was written", point)
		}
	}
}

// XFS, killed at the wrong moment, leaves as many NULs at the end as were to be removed. Here they are made: the file gets its
// former length again after a collapse.
func TestRecoverWithAGap(t *testing.T) {
	nul := make([]byte, 20_000)
	for name, test := range map[string]struct{ before, after []byte }{
		"nothing after":     {[]byte("end"), nil},
		"on a block border": {make([]byte, 0), []byte("go on")},
		"within a block":    {[]byte("end"), []byte("go on")},
		"NULs before":       {nul[:5000], []byte("go on")},
		"NULs after":        {[]byte("end"), append(nul[:7000:7000], 'x')},
		"NULs all around":   {nul[:123], append(nul[:20_000:20_000], 'x')},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRotating(t, t.TempDir())
			r.write(700_416) // blocks
			r.append(test.before)
			if !r.step(fault.LogsCollapsed, "", "200000", "0") {
				t.Skip("no collapse")
			}
			before := r.layout()
			info, err := os.Stat(r.path)
			if err == nil {
				err = os.Truncate(r.path, info.Size()+before.cut.length)
			}
			if err != nil {
				t.Fatal(err)
			}
			r.append(test.after)
			if err := r.by.Recover(r.path); err != nil {
				t.Fatal(err)
			}
			if gaps := r.layout().gaps; len(gaps) != 1 || gaps[0].length != before.cut.length {
				t.Errorf("gaps %v", gaps)
			}
			r.want(0)
			for range 4 { // until the gap itself is cut off
				r.write(200_000)
				r.rotate(Limits{Max: 150_000})
				r.want(0)
			}
			if l := r.layout(); len(l.gaps) > 0 || l.epoch > 0 {
				t.Errorf("%+v", l)
			}
		})
	}
}

func TestSwap(t *testing.T) {
	limits := Limits{Max: 200_000}
	for name, without := range map[string][]string{"punched": {Collapse}, "neither": {Collapse, Punch}, "no leases": {Collapse, Punch, Lease}} {
		t.Run(name, func(t *testing.T) {
			r := newRotating(t, t.TempDir(), without...)
			r.write(500_000)
			if got := r.rotate(limits); (got.Archived > 0) != (name == "punched") {
				t.Errorf("%+v", got)
			}
			before := len(r.archives())
			if _, err := r.by.Swap(r.path, limits, time.Now()); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(r.path)
			if err != nil || info.Mode().Perm() != 0o640 || info.Size() >= limits.Max || info.Size() != r.look(0).Size {
				t.Errorf("%v, %d bytes, %v", info.Mode(), info.Size(), err)
			}
			if n := len(r.archives()) - before; (n == 1) == (name == "punched") {
				t.Errorf("%d archives more", n)
			}
			r.want(0)
			r.write(5)
			if got, err := r.by.Swap(r.path, limits, time.Now()); err != nil || got.Archived != 0 {
				t.Errorf("nothing to be done: %+v, %v", got, err)
			}
			if found := r.look(int64(len(r.text))); found.Truncated || found.Replaced || found.End != int64(len(r.text)) {
				t.Errorf("%+v", found)
			}
			r.want(0)
		})
	}
}

// held starts a process that has the file open for writing.
func held(t *testing.T, path string) *actor {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	a := &actor{Cmd: exec.Command(self, path), ended: make(chan struct{})}
	a.Env = append(os.Environ(), role+"=hold")
	_, err = a.StdinPipe()
	out, err2 := a.StdoutPipe()
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	_, err = bufio.NewReader(out).ReadString('\n')
	go func() {
		_ = a.Wait()
		close(a.ended)
	}()
	t.Cleanup(func() { a.kill() })
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestSwapLeavesALogThatIsWrittenTo(t *testing.T) {
	r := newRotating(t, t.TempDir(), Collapse, Punch)
	if a, err := r.by.ability(filepath.Dir(r.path)); err != nil || !a.leases {
		t.Skip("this disk does not tell who writes")
	}
	r.write(500_000)
	h := held(t, r.path)
	if got, err := r.by.Swap(r.path, Limits{Max: 1000}, time.Now()); err != nil || got.Archived != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	h.kill()
	if got, err := r.by.Swap(r.path, Limits{Max: 1000}, time.Now()); err != nil || got.Archived != 500_000 {
		t.Errorf("%+v, %v", got, err)
	}
	r.want(0)
}

func TestSwapLeavesALink(t *testing.T) {
	r := newRotating(t, t.TempDir(), Collapse, Punch)
	r.write(10_000)
	if err := os.Rename(r.path, r.path+".real"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(r.path+".real", r.path); err != nil {
		t.Fatal(err)
	}
	if got, err := r.by.Swap(r.path, Limits{Max: 1000}, time.Now()); err != nil || got.Archived != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	r.want(0)
}

func TestCompress(t *testing.T) {
	r := newRotating(t, t.TempDir())
	if a, err := r.by.ability(filepath.Dir(r.path)); err != nil || !a.leases {
		t.Skip("this disk does not tell who writes")
	}
	r.append(bytes.Repeat([]byte("a line that is easy to compress\n"), 100_000))
	r.rotate(Limits{Max: 3_000_000})
	plain := r.archives()
	if len(plain) != 1 || plain[0].packed {
		t.Fatalf("%+v", plain)
	}
	h := held(t, plain[0].path)
	compress := func() []archive {
		t.Helper()
		if err := r.by.Compress(t.Context(), r.path); err != nil {
			t.Fatal(err)
		}
		return r.archives()
	}
	if got := compress(); !slices.Equal(got, plain) {
		t.Errorf("while somebody writes: %+v", got)
	}
	h.kill()
	packed := compress()
	if len(packed) != 1 || !packed[0].packed {
		t.Fatalf("%+v", packed)
	}
	info, err := os.Stat(packed[0].path)
	if err != nil || info.Size() > 100_000 || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info, err)
	}
	r.want(0)
	testenv.Need(t, "zcat")
	if out, err := exec.Command("zcat", packed[0].path).Output(); err != nil || !bytes.Equal(out, r.text[:len(out)]) || int64(len(out)) != packed[0].end {
		t.Errorf("zcat: %d bytes, %v", len(out), err)
	}
}

// A full disk: older archives make room, and where there are none the log stays as it is. It is said once.
func TestRotateOnAFullDisk(t *testing.T) {
	if !ownMounts(t) {
		return
	}
	dir := t.TempDir()
	mount(t, dir, "-t", "tmpfs", "-o", "size=1m", "none")
	r := newRotating(t, dir)
	r.write(800_000) // an archive of 700,000 has no room
	for range 2 {
		if got := r.rotate(Limits{Max: 700_000}); got.Archived != 0 {
			t.Errorf("%+v", got)
		}
	}
	if len(r.said) != 1 {
		t.Errorf("%q", r.said)
	}
	r.want(0)
	r.rotate(Limits{Max: 100_000})
	if n := len(r.archives()); n < 5 {
		t.Errorf("%d archives", n)
	}
	r.want(0)
	dropped := int64(0)
	for range 3 { // others fill the disk
		r.write(90_000)
		ballast, err := os.Create(filepath.Join(dir, "ballast"))
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = ballast.Write(make([]byte, 4096))
		}
		_ = ballast.Close()
		got := r.rotate(Limits{Max: 80_000})
		dropped += got.Dropped
		if got.Archived == 0 {
			t.Errorf("%+v", got)
		}
		r.want(int(dropped))
		if err := os.Remove(ballast.Name()); err != nil {
			t.Fatal(err)
		}
	}
	if dropped == 0 {
		t.Error("nothing had to make room")
	}
}
