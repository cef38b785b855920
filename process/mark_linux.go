package process

import (
	"bytes"
	"hash/fnv"
	"strings"

	"golang.org/x/sys/unix"
)

// A mark says of a process which run it belongs to, as its TEND_RUN does, and is harder to lose. Programs that show a
// title (nginx, redis, postgres) write it over their environment, env -i clears it, and in the middle of execve there
// is none. The mark is the soft limit on the time that a real-time process may run without a pause (RLIMIT_RTTIME, see
// getrlimit(2)), in microseconds: where nothing limits it, it is set to one of the values that are as good as no limit,
// 146,000 years and more. Limits are inherited by whatever a process starts, from birth, in whatever session, and
// anybody may read them in /proc. Only who limits this very thing on purpose loses the mark.

// unlimited is where limits begin that are none: the mark is added to it.
const unlimited = 1 << 62

// Mark returns the mark of a run. It is unique only as far as chance goes: one in 2^61.
func Mark(run string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(run))
	return unlimited + h.Sum64()>>3
}

// bearMark gives this process the mark of the run in the environment, for what it starts next. It returns what takes
// it away. Without a run, and where the limit is a real one, nothing happens.
func bearMark(environ []string) (lay func()) {
	run := ""
	for _, entry := range environ {
		if id, ok := strings.CutPrefix(entry, runVariable); ok {
			run = id
		}
	}
	before, ok := unlimitedTime()
	if run == "" || !ok || !Probe().Has("mark") {
		return func() {}
	}
	marked := before
	marked.Cur = Mark(run)
	if unix.Setrlimit(unix.RLIMIT_RTTIME, &marked) != nil {
		return func() {}
	}
	return func() { _ = unix.Setrlimit(unix.RLIMIT_RTTIME, &before) } // what was allowed before is allowed again
}

// Unmark takes away the mark of a run that this process was started in, so that it does not count as part of it.
func Unmark() {
	if limit, ok := unlimitedTime(); ok && limit.Cur != limit.Max {
		limit.Cur = limit.Max
		_ = unix.Setrlimit(unix.RLIMIT_RTTIME, &limit) // then it goes with the run, as without this
	}
}

func haveMark() bool {
	_, ok := unlimitedTime()
	return ok
}

// unlimitedTime returns the limit on real-time CPU time, and whether it is none.
func unlimitedTime() (limit unix.Rlimit, ok bool) {
	err := unix.Getrlimit(unix.RLIMIT_RTTIME, &limit)
	return limit, err == nil && limit.Cur >= unlimited && limit.Max == unix.RLIM_INFINITY
}

// ReadMark reads the mark of a process, which may be a zombie: 0 if it has none.
func ReadMark(pid int) uint64 {
	if !Probe().Has("mark") {
		return 0
	}
	text, err := readFile(unix.AT_FDCWD, procPath(pid, "limits"), make([]byte, 0, 2048))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(text, []byte("\nMax realtime timeout"))
	words := bytes.Fields(rest)
	if len(words) == 0 {
		return 0
	}
	if n := number(words[0]); n > unlimited { // "unlimited" is no number
		return n
	}
	return 0
}
