package probe

import "time"

// Pauses between the attempts of a readiness check: most services are ready very soon, and who waits for one is not to wait
// longer than it takes.
const (
	firstPause = 10 * time.Millisecond
	mostPause  = 500 * time.Millisecond
)

// Eager is the Pause of a readiness check: short at first, and then longer.
func Eager(n int) time.Duration {
	pause := firstPause
	for ; n > 1 && pause < mostPause; n-- {
		pause += pause / 2
	}
	return min(pause, mostPause)
}

// Every is the Pause of a check that is made at intervals.
func Every(interval time.Duration) func(int) time.Duration {
	return func(int) time.Duration { return interval }
}
