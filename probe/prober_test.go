package probe

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// hang is an attempt that ends when it is broken off.
func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestAThousandChecksWakeUsTwentyTimesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(0)
		defer p.Close()
		var made atomic.Int64
		attempt := func(context.Context) error { made.Add(1); return nil }
		const checks, seconds = 1000, 60
		for range checks {
			p.Begin(Plan{Attempt: attempt, Told: func(error) {}, Timeout: time.Second, Pause: Every(10 * time.Second), Spread: true})
		}
		time.Sleep(seconds * time.Second)
		if n := made.Load(); n < checks*(seconds/10-1) || n > checks*(seconds/10+1) {
			t.Errorf("%d attempts of %d checks in %d s", n, checks, seconds)
		}
		if n := p.Wakes(); n > 21*seconds {
			t.Errorf("%d wake-ups in %d s", n, seconds)
		}
	})
}

func TestNothingWakesUsWhereNothingIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(0)
		defer p.Close()
		g := p.Begin(Plan{Attempt: hang, Told: func(error) {}, Timeout: time.Second, Pause: Eager})
		g.End()
		time.Sleep(time.Second)
		before := p.Wakes()
		time.Sleep(time.Hour)
		if n := p.Wakes(); n != before {
			t.Errorf("%d wake-ups", n-before)
		}
	})
}

func TestAReadinessCheckIsEagerAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(0)
		defer p.Close()
		began := time.Now()
		var all sync.WaitGroup
		all.Add(40)
		var at []time.Duration
		g := p.Begin(Plan{
			Attempt: func(context.Context) error { return errors.New("not yet") }, Timeout: time.Second, Pause: Eager,
			Told: func(err error) {
				if len(at) < 40 {
					at = append(at, time.Since(began))
					all.Done()
				}
			},
		})
		all.Wait()
		g.End()
		if at[0] > 10*time.Millisecond || at[5] > 150*time.Millisecond || at[39]-at[38] > time.Second || at[39]-at[38] < 400*time.Millisecond {
			t.Errorf("%v", at)
		}
	})
}

func TestChecksThatHangDoNotDelayTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(0)
		defer p.Close()
		for range mostLight - 1 {
			p.Begin(Plan{Attempt: hang, Told: func(error) {}, Timeout: time.Hour, Pause: Every(time.Second)})
		}
		for range mostHeavy {
			p.Begin(Plan{Attempt: hang, Told: func(error) {}, Timeout: time.Hour, Pause: Every(time.Second), Heavy: true})
		}
		var made atomic.Int64
		p.Begin(Plan{Attempt: func(context.Context) error { made.Add(1); return nil }, Told: func(error) {}, Timeout: time.Second, Pause: Every(time.Second)})
		time.Sleep(100*time.Second + grid)
		if n := made.Load(); n < 99 {
			t.Errorf("%d attempts in 100 s", n)
		}
	})
}

func TestAttemptsThatHaveToWaitAreMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(2)
		defer p.Close()
		var most, now, made atomic.Int64
		for range 20 {
			p.Begin(Plan{
				Attempt: func(ctx context.Context) error {
					most.Store(max(most.Load(), now.Add(1)))
					defer now.Add(-1)
					made.Add(1)
					return hang(ctx)
				},
				Told: func(err error) {
					if err == nil {
						t.Error("it was to fail")
					}
				},
				Timeout: time.Second, Pause: Every(10 * time.Second),
			})
		}
		time.Sleep(10*time.Second + 20*time.Second/2 + time.Second)
		if most.Load() != 2 || made.Load() < 20 {
			t.Errorf("%d attempts, %d at once", made.Load(), most.Load())
		}
	})
}

func TestWhatHasEndedIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(0)
		defer p.Close()
		g := p.Begin(Plan{
			Attempt: hang, Timeout: time.Hour, Pause: Every(time.Second),
			Told: func(err error) { t.Errorf("told of %v", err) },
		})
		time.Sleep(2 * time.Second)
		g.End()
		time.Sleep(time.Hour)
	})
}

// A plan may be ended after everything was.
func TestEndAfterClose(t *testing.T) {
	p := New(0)
	g := p.Begin(Plan{Attempt: func(context.Context) error { return nil }, Told: func(error) {}, Timeout: time.Minute, Pause: Every(time.Hour)})
	p.Close()
	g.End()
}
