package logs

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tend/internal/fault"
)

// kills is how often the oracle kills a rotator on each kind of file system, besides once at each point.
var kills = flag.Int("kills", 4, "how often the oracle of rotation kills on each kind of file system")

// TestOracle has processes write into logs as fast as they can, while what rotates the logs is killed again and again, by
// chance and at each point of its work. In the end archives and live file together must be what was written, byte for byte;
// and so must be what somebody saw who followed them all the time.
func TestOracle(t *testing.T) {
	t.Parallel()
	if !ownMounts(t) {
		return
	}
	for _, d := range disks {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			dir := d.mounted(t)
			a, err := probe(dir, func(string) bool { return false })
			if err != nil || a.method() != d.method || a.unit != d.unit || !a.punch || !a.leases {
				t.Errorf("it can do %+v, %v", a, err)
			}
			o := &oracle{T: t, dir: dir, faults: t.TempDir(), method: d.method}
			o.judge(*kills)
		})
	}
}

// An oracle knows what must be in the logs.
type oracle struct {
	*testing.T
	dir, faults string
	method      string
	env         []string

	kills, rounds, gaps int
	struck              map[fault.Point]int
}

// a written log is what its writers, each of the kind, are to write.
type written struct {
	name, kind string
	writers    int
	bytes      int // each
}

var all = []written{
	{"mixed", "mixed", 3, 4 << 20},
	{"same", "same", 2, 2 << 20},
	{"bytes", "bytes", 1, 300_000},
	{"binary", "binary", 1, 6 << 20},
}

// reached are the points at which a rotator is to be killed while others write.
func (o *oracle) reached() []fault.Point {
	points := []fault.Point{fault.LogsCopied, fault.LogsArchived, fault.LogsAnnounced, fault.LogsPacking, fault.LogsPacked}
	if o.method == Collapse {
		return append(points, fault.LogsCollapsed)
	}
	return append(points, fault.LogsPunched)
}

func (o *oracle) judge(kills int) {
	o.struck = map[fault.Point]int{}
	for begun := time.Now(); o.kills < kills || len(o.struck) < len(o.reached()); o.rounds++ {
		if o.Failed() || time.Since(begun) > 10*time.Minute {
			o.Fatalf("after %d rounds: %d kills, %v", o.rounds, o.kills, o.struck)
		}
		o.round()
	}
	o.Logf("%s: %d rounds, %d kills by chance, at points %v, %d gaps", o.method, o.rounds, o.kills, o.struck, o.gaps)
}

// round has all logs written once.
func (o *oracle) round() {
	o.Helper()
	var writers []*actor
	onlookers := map[string]*onlooker{}
	paths := []string{strconv.Itoa(50_000 << rand.IntN(6))} // the limit
	for _, l := range all {
		path := filepath.Join(o.dir, l.name+".log")
		paths = append(paths, path)
		onlookers[path] = look(o.Context(), path)
		for id := range l.writers {
			writers = append(writers, startActor(o, nil, "write", l.kind, "w"+strconv.Itoa(id), path, strconv.Itoa(l.bytes)))
		}
	}
	for _, w := range writers {
		for !ended(w) {
			o.strike(paths)
		}
		if !w.ProcessState.Success() {
			o.Fatalf("a writer: %v\n%s", w.ProcessState, w.errors.String())
		}
	}
	o.strike(paths)
	r := &Rotator{Log: o.Logf}
	for _, l := range all {
		path := filepath.Join(o.dir, l.name+".log")
		if err := r.Recover(path); err != nil {
			o.Fatal(err)
		}
		o.compare(l, path, onlookers[path])
		left, _ := filepath.Glob(path + "*")
		for _, name := range left {
			if err := os.Remove(name); err != nil {
				o.Error(err)
			}
		}
	}
}

func ended(a *actor) bool {
	select {
	case <-a.ended:
		return true
	default:
		return false
	}
}

// strike has a rotator live for a while: until it has come to a point, or, in turns, some milliseconds more or less, or till
// a moment after it has announced a cut.
func (o *oracle) strike(paths []string) {
	point := o.next()
	if point != "" {
		if err := fault.Arm(o.faults, point, ""); err != nil {
			o.Fatal(err)
		}
	}
	r := startActor(o, append(o.env, fault.Variable+"="+o.faults), "rotate", paths...)
	switch {
	case point != "":
		select {
		case <-r.ended:
		case <-time.After(400 * time.Millisecond): // there may be nothing more that leads there
		}
	case o.kills%2 == 0:
		time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond) // a blow that is not aimed
	default:
		o.awaitCut(r, paths[1:])
		time.Sleep(time.Duration(rand.IntN(1500)) * time.Microsecond)
	}
	if !r.kill() {
		o.Fatalf("the rotator ended: %v\n%s", r.ProcessState, r.errors.String())
	}
	switch {
	case point == "":
		o.kills++
	case fault.Armed(o.faults, point):
		fault.Disarm(o.faults, point)
	default:
		o.struck[point]++
	}
	if text := r.errors.String(); text != "" {
		o.Logf("the rotator: %s", text)
	}
}

// next returns the next point to die at: each before any blow is struck by chance, and at times later on.
func (o *oracle) next() fault.Point {
	points := o.reached()
	for _, p := range points {
		if o.struck[p] == 0 && rand.IntN(2) == 0 {
			return p
		}
	}
	if rand.IntN(3) == 0 {
		return points[rand.IntN(len(points))]
	}
	return ""
}

// awaitCut waits a moment for a layout that announces a cut. What an earlier rotator has announced counts as well.
func (o *oracle) awaitCut(r *actor, paths []string) {
	for deadline := time.Now().Add(100 * time.Millisecond); time.Now().Before(deadline) && !ended(r); {
		for _, path := range paths {
			if l, err := loadLayout(path); err == nil && l.cut != nil {
				return
			}
		}
	}
}

// compare compares what is in the archives and the live file with what was written.
func (o *oracle) compare(l written, path string, onlooker *onlooker) {
	o.Helper()
	got := stored(o, path)
	lay, err := loadLayout(path)
	if err != nil {
		o.Fatal(err)
	}
	o.gaps += len(lay.gaps)
	if lay.epoch != 0 {
		o.Errorf("%s: in epoch %d, though nobody did anything to it", l.name, lay.epoch)
	}
	want := map[string][]byte{}
	for id := range l.writers {
		var text []byte
		records(l.kind, "w"+strconv.Itoa(id), l.bytes, func(record []byte) { text = append(text, record...) })
		want["w"+strconv.Itoa(id)] = text
	}
	if err := sameContent(l, got, want); err != nil {
		o.Errorf("%s: %v", l.name, err)
	}
	if err := readStream(path, got); err != nil {
		o.Errorf("%s: %v", l.name, err)
	}
	if err := onlooker.saw(got); err != nil {
		o.Errorf("%s: %v", l.name, err)
	}
}

// sameContent compares: the records of each writer in their order, and nothing else.
func sameContent(l written, got []byte, want map[string][]byte) error {
	if l.writers == 1 {
		return sameBytes(got, want["w0"])
	}
	if l.kind == "same" {
		return sameBytes(got, bytes.Repeat(want["w0"], l.writers))
	}
	found := map[string][]byte{}
	for line := range bytes.Lines(got) {
		id, _, _ := bytes.Cut(line, []byte(" "))
		found[string(id)] = append(found[string(id)], line...)
	}
	for id, text := range want {
		if err := sameBytes(found[id], text); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	if len(found) != len(want) {
		return fmt.Errorf("there are lines of %d writers, of %d", len(found), len(want))
	}
	return nil
}

func sameBytes(got, want []byte) error {
	if bytes.Equal(got, want) {
		return nil
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	return fmt.Errorf("there are %d bytes of %d; at %d there is %.60q instead of %.60q", len(got), len(want), at, got[at:], want[at:])
}

// stored reads a log as anybody could: its archives with zcat and cat, and what the live file holds besides.
func stored(t testing.TB, path string) []byte {
	t.Helper()
	archives, err := listArchives(path)
	if err != nil {
		t.Fatal(err)
	}
	lay, err := loadLayout(path)
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for _, a := range archives {
		if len(archives) > 0 && a.start != archives[0].start+int64(len(text)) {
			t.Errorf("%s does not begin where the one before ends", a.path)
		}
		text = append(text, unpacked(t, a)...)
	}
	live, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if lay.head == lay.base && len(lay.gaps) == 0 {
		return append(text, live...) // as cat does
	}
	for at, end := lay.head, lay.logical(int64(len(live))); at < end; {
		place := lay.physical(at)
		n := lay.contiguous(place, end-at)
		text = append(text, live[place:place+n]...)
		at += n
	}
	return text
}

func unpacked(t testing.TB, a archive) []byte {
	t.Helper()
	file, err := os.Open(a.path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in := io.Reader(file)
	if strings.HasSuffix(a.path, ".gz") {
		if in, err = gzip.NewReader(file); err != nil {
			t.Fatal(err)
		}
	}
	text, err := io.ReadAll(in)
	if err != nil || int64(len(text)) != a.end-a.start {
		t.Errorf("%s holds %d bytes: %v", a.path, len(text), err)
	}
	return text
}
