package process

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"tend"
)

func needsMark(t *testing.T) {
	t.Helper()
	if !Probe().Has("mark") {
		t.Skip("there are no marks")
	}
}

func TestAMarkIsBornWithTheProcess(t *testing.T) {
	needsMark(t)
	s := newSpawner(t, stage...)
	child := start(t, s, "exec env -i sleep 1001", "TEND_RUN=one", "X=TEND_RUN=two")
	defer unix.Close(child.PIDFD)
	defer endNow(t, child.Identity)
	if mark := ReadMark(child.PID); mark != Mark("one") || mark == Mark("two") {
		t.Errorf("the mark is %d", mark)
	}
	if mark := ReadMark(os.Getpid()); mark != 0 {
		t.Errorf("we have the mark %d ourselves", mark)
	}
	var limit unix.Rlimit
	if err := unix.Prlimit(child.PID, unix.RLIMIT_RTTIME, nil, &limit); err != nil || limit.Max != unix.RLIM_INFINITY {
		t.Errorf("the hard limit is %+v, %v", limit, err)
	}
}

func TestTheDeadKeepTheirMark(t *testing.T) {
	needsMark(t)
	h := play(t, "negligent", "kill -STOP $$; exit 7")
	id := h.hearsPID()
	marked := unix.Rlimit{Cur: Mark("of-the-dead"), Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(id.PID, unix.RLIMIT_RTTIME, &marked, nil); err != nil {
		t.Skipf("no marks here: %v", err)
	}
	eventually(t, "it has stopped", func() bool { stat, _ := ReadStat(id.PID); return stat.State == 'T' })
	if err := Signal(id, "CONT"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it has ended", func() bool { return !Alive(id) })
	all, err := Scan()
	if err != nil {
		t.Fatal(err)
	}
	if eldest, ok := all.Eldest("of-the-dead"); !ok || eldest != id {
		t.Errorf("got %+v, %v, want %+v", eldest, ok, id)
	}
	if eldest, ok := all.Eldest("of-nobody"); ok {
		t.Errorf("of nobody: %+v", eldest)
	}
}

func TestAMarkCanBeTakenAway(t *testing.T) {
	needsMark(t)
	lay := bearMark([]string{"TEND_RUN=one"})
	defer lay()
	if ReadMark(os.Getpid()) != Mark("one") {
		t.Error("there is none")
	}
	Unmark()
	if ReadMark(os.Getpid()) != 0 {
		t.Error("it is still there")
	}
}

// A run that was started in a run belongs to itself.
func TestAnotherMarkReplacesOne(t *testing.T) {
	needsMark(t)
	defer bearMark([]string{"TEND_RUN=outer"})()
	inner := bearMark([]string{"TEND_RUN=inner"})
	if ReadMark(os.Getpid()) != Mark("inner") {
		t.Error("the outer one stays")
	}
	inner()
	if ReadMark(os.Getpid()) != Mark("outer") {
		t.Error("the inner one stays")
	}
}

// A limit that means something is left alone, and the tree is found without a mark.
func TestARealLimitIsLeftAlone(t *testing.T) {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_RTTIME, &before); err != nil {
		t.Fatal(err)
	}
	real := unix.Rlimit{Cur: 200_000, Max: before.Max}
	if err := unix.Setrlimit(unix.RLIMIT_RTTIME, &real); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_RTTIME, &before)
	s := newSpawner(t, stage...)
	child := start(t, s, "exec sleep 1001", "TEND_RUN=one")
	defer unix.Close(child.PIDFD)
	defer endNow(t, child.Identity)
	var limit unix.Rlimit
	if err := unix.Prlimit(child.PID, unix.RLIMIT_RTTIME, nil, &limit); err != nil || limit != real {
		t.Errorf("the limit is %+v, %v", limit, err)
	}
	if got := commandsOf(t, tend.Identity{}, "one"); len(got) != 1 {
		t.Errorf("the tree is %v", got)
	}
}
