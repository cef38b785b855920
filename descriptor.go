package tend

import (
	"fmt"
	"strconv"
)

// A service may have descriptors kept for it while it is restarted: open connections, files in memory. It sends them by
// sd_notify(3), and finds them again from descriptor 3 on, after those that it listens on: sd_listen_fds(3).

// MaxFDStore is how many descriptors may be kept for one service. Each is open in the supervisor, and lies in a queue of the
// kernel's as well.
const MaxFDStore = 500

var fdStoreOption = Option{
	Key: "fd_store", Flag: "fd-store", Arg: "N", Default: "0",
	Help:   "how many descriptors it may have kept over its restarts",
	Detail: "It sends them by sd_notify, with FDSTORE=1, and gets them again in LISTEN_FDS when it is started again. When it rests, because somebody has stopped it for instance, they are closed. See docs/notify.md.",
	Access: Access{setFDStore, getFDStore},
}

func setFDStore(s *Service, value string, _ Caller) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > MaxFDStore {
		return fmt.Errorf("%q is not a number of descriptors (from 0 to %d)", value, MaxFDStore)
	}
	s.FDStore = n
	return nil
}

func getFDStore(s Service) []string {
	if s.FDStore == 0 {
		return nil
	}
	return []string{strconv.Itoa(s.FDStore)}
}

// firstFD is the first descriptor that a service is handed.
const firstFD = 3

// CheckDescriptors refuses a definition by which one descriptor would be two things: what the service listens on and what it has
// kept comes from 3 on, and that by which it says that it is ready must not be among it.
func (s Service) CheckDescriptors() error {
	if s.Ready.Kind != CheckFD {
		return nil
	}
	n, err := strconv.Atoi(s.Ready.Target)
	if free := firstFD + len(s.Listen) + s.FDStore; err == nil && n < free {
		return Errorf(CodeUsage, "descriptor %d, by which %s is to say that it is ready, may be one of those that it is handed", n, s.Name).
			About(s.Name).InKey("ready").WithHint("they are those from %d to %d, by listen and fd_store; choose another: --ready fd:%d", firstFD, free-1, free)
	}
	return nil
}
