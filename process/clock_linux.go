package process

import (
	"time"

	"golang.org/x/sys/unix"
)

// Clock returns when this host was booted, by what its clock says now, and how long it has been suspended since. The
// first changes only when somebody sets the clock, the second only by suspending; see clock_gettime(2).
func Clock() (booted time.Time, asleep time.Duration, ok bool) {
	var wall, boot, awake unix.Timespec
	if unix.ClockGettime(unix.CLOCK_REALTIME, &wall) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil ||
		unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake) != nil {
		return time.Time{}, 0, false
	}
	return time.Unix(0, wall.Nano()-boot.Nano()), time.Duration(boot.Nano() - awake.Nano()), true
}
