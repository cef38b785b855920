package keeper

import (
	"reflect"
	"slices"
	"syscall"
	"testing"
	"time"

	"tend"
)

func TestPauses(t *testing.T) {
	const (
		killed     = syscall.WaitStatus(syscall.SIGKILL)
		terminated = syscall.WaitStatus(syscall.SIGTERM)
		segfault   = syscall.WaitStatus(syscall.SIGSEGV)
		failed     = syscall.WaitStatus(2 << 8)
		replace    = syscall.WaitStatus(ExitReplace << 8)
	)
	ms := time.Millisecond
	tests := []struct {
		name string
		ends []syscall.WaitStatus
		life time.Duration
		want []time.Duration
	}{
		{"killed", []syscall.WaitStatus{killed, terminated, killed, replace, killed}, 0, make([]time.Duration, 5)},
		{"killed before it has begun", slices.Repeat([]syscall.WaitStatus{killed}, 22), ms, append(make([]time.Duration, 20), 50*ms, 50*ms)},
		{"killed after it has begun", slices.Repeat([]syscall.WaitStatus{killed}, 22), 30 * ms, make([]time.Duration, 22)},
		{"crashes", []syscall.WaitStatus{failed, segfault, failed, failed, failed, failed, failed, failed, failed, failed}, ms,
			[]time.Duration{0, 100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, 10 * time.Second, 10 * time.Second}},
		{"crashes after a life", []syscall.WaitStatus{failed, segfault, failed}, shortLife, make([]time.Duration, 3)},
		{"killed between crashes", []syscall.WaitStatus{failed, failed, killed, failed}, ms, []time.Duration{0, 100 * ms, 0, 200 * ms}},
	}
	for _, test := range tests {
		var p pauses
		var got []time.Duration
		for _, status := range test.ends {
			got = append(got, p.afterEnd(status, test.life))
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	var p pauses
	if a, b := p.afterFailure(), p.afterFailure(); a != 100*ms || b != 200*ms {
		t.Errorf("after failures to start: %v, %v", a, b)
	}
}

func TestParseArgs(t *testing.T) {
	tests := []struct {
		args []string
		want Config
		ok   bool
	}{
		{[]string{"/d"}, Config{Dir: "/d"}, true},
		{[]string{"--inner", "--leave", "/d"}, Config{Dir: "/d", Inner: true, Leave: true}, true},
		{[]string{"--detach", "/d"}, Config{Dir: "/d", Detach: true}, true},
		{nil, Config{}, false},
		{[]string{"d"}, Config{}, false},
		{[]string{"/d", "/e"}, Config{}, false},
		{[]string{"--outer", "/d"}, Config{}, false},
	}
	for _, test := range tests {
		got, err := ParseArgs(test.args)
		if got != test.want || (err == nil) != test.ok || err != nil && tend.CodeOf(err) != tend.CodeUsage {
			t.Errorf("%q: %+v, %v", test.args, got, err)
		}
	}
	for _, c := range []Config{{Dir: "/d"}, {Dir: "/d", Inner: true}} { // what is written is read
		for _, leave := range []bool{false, true} {
			args := c.child(leave)
			got, err := ParseArgs(args[2:])
			if err != nil || got.Leave != leave || got.Dir != "/d" || got.Inner == c.Inner {
				t.Errorf("%q: %+v, %v", args, got, err)
			}
		}
	}
}
