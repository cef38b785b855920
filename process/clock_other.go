//go:build !linux

package process

import "time"

// Clock cannot tell.
func Clock() (booted time.Time, asleep time.Duration, ok bool) { return time.Time{}, 0, false }
