package watch

import (
	"os"
	"syscall"
	"time"
)

// changeTime is when the file was last written to, or came to its name.
func changeTime(info os.FileInfo, now time.Time) time.Time {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return now
	}
	return time.Unix(int64(stat.Ctim.Sec), int64(stat.Ctim.Nsec))
}
