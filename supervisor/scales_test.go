package supervisor

import (
	"testing"
	"time"

	"tend"
	"tend/process"
)

// Nothing wakes up for services that do not say how much memory they may have, nor for those that have ended.
func TestScalesAreThereOnlyForWhatIsWeighed(t *testing.T) {
	s := newScales(&process.Cgroups{}, func(string, int64) { t.Error("nothing was too heavy") })
	s.pause = time.Millisecond
	is := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.running
	}
	s.take("run")
	if is() {
		t.Fatal("weighs nothing")
	}
	for range 3 {
		s.put("run", load{tend.Identity{PID: 1}, 1 << 40})
		if !is() {
			t.Fatal("does not weigh")
		}
		s.take("run")
		for deadline := time.Now().Add(20 * time.Second); is(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("goes on weighing nothing")
			}
		}
	}
}

// A tree is told of when it becomes too heavy, and again only after it has been light.
func TestScalesTellOnce(t *testing.T) {
	told := 0
	s := newScales(&process.Cgroups{}, func(string, int64) { told++ })
	s.running = true // nobody is to weigh meanwhile
	s.put("run", load{most: 100})
	for _, step := range []struct {
		bytes int64
		told  int
	}{{100, 0}, {101, 1}, {500, 1}, {95, 1}, {101, 1}, {89, 1}, {101, 2}} {
		s.weighed("run", step.bytes)
		if told != step.told {
			t.Errorf("after %d: told of %d times, not %d", step.bytes, told, step.told)
		}
	}
	s.put("run", load{most: 100})
	s.weighed("run", 101)
	if told != 2 {
		t.Error("the same again was told of again")
	}
	s.put("run", load{most: 50})
	s.weighed("run", 60)
	s.take("run")
	s.weighed("run", 200)
	if told != 3 {
		t.Errorf("told of %d times, not 3", told)
	}
}
