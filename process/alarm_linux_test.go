package process_test

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tend/internal/testenv"
	"tend/process"
)

func heard(t *testing.T, a *process.Alarm) time.Time {
	t.Helper()
	select {
	case <-a.Rings():
		return time.Now()
	case <-time.After(time.Minute):
		t.Fatal("the alarm does not ring")
		return time.Time{}
	}
}

func TestAlarm(t *testing.T) {
	a := process.NewAlarm()
	defer a.Close()
	a.Set(time.Now().Add(time.Hour))
	at := time.Now().Add(100 * time.Millisecond)
	a.Set(at)
	if now := heard(t, a); now.Before(at) {
		t.Errorf("it rings %s too soon", at.Sub(now))
	}
	a.Set(time.Now().Add(-time.Hour))
	heard(t, a)
	for _, never := range []time.Time{{}, time.Now().AddDate(1000, 0, 0)} {
		a.Set(time.Now().Add(50 * time.Millisecond))
		a.Set(never)
		select {
		case <-a.Rings():
			t.Errorf("set to %v, it rings", never)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// The clock of this machine is really set: only where somebody asks for that.
func TestAlarmWhenTheClockIsSet(t *testing.T) {
	if os.Getenv("TEND_TEST_SET_CLOCK") == "" {
		t.Skip("TEND_TEST_SET_CLOCK is not set")
	}
	testenv.NeedRoot(t)
	a := process.NewAlarm()
	defer a.Close()
	set := func(d time.Duration) {
		now := unix.NsecToTimespec(time.Now().Add(d).UnixNano())
		if err := unix.ClockSettime(unix.CLOCK_REALTIME, &now); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []time.Duration{time.Hour, -time.Hour} {
		a.Set(time.Now().Add(24 * time.Hour))
		set(d)
		heard(t, a)
		set(-d)
		heard(t, a)
	}
}
