package main

import (
	"time"

	"tend"
)

// kind is one way for a service to behave.
type kind struct {
	name    string
	share   int      // of a hundred services
	options []string // of tend add
	long    bool     // it lives until it is told to end
	killed  bool     // it does not end before SIGKILL
	slow    bool     // its starts take long: fewer commands are given to it
	timed   bool     // what it writes goes through a pipe, so that it is in the log a moment later
	job     bool     // it waits for its times, and runs then
	once    bool     // it runs when somebody asks for one run, and is waited for
	keeps   bool     // it has a descriptor kept
}

// endure is how long a stop may take a service that obeys. It is long, because a machine under such load is slow, and
// a service that is killed in place of ending would be a violation.
const endure = 8 * time.Second

func kinds() []kind {
	return []kind{
		{name: "silent", share: 10, long: true},
		{name: "chatty", share: 10, long: true, options: []string{"--log-max", "64KiB", "--log-keep", "all"}},
		{name: "timed", share: 8, long: true, timed: true, options: []string{"--log-format", "time", "--log-max", "64KiB", "--log-keep", "all"}},
		{name: "brief", share: 8, timed: true, options: []string{"--log-format", "time", "--restart", "always", "--backoff", "100ms..500ms"}},
		{name: "tree", share: 8, long: true},
		{name: "stubborn", share: 8, long: true, killed: true, options: []string{"--stop", "TERM/0.2/KILL/5"}},
		{name: "slow", share: 8, long: true, slow: true, options: []string{"--ready", "alive:1s"}},
		{name: "short", share: 10, options: []string{"--restart", "always", "--backoff", "100ms..500ms"}},
		{name: "failing", share: 8, options: []string{"--restart", "on-failure", "--backoff", "100ms..500ms"}},
		{name: "crashing", share: 8, options: []string{"--restart", "always", "--backoff", "200ms..2s"}},
		{name: "telling", share: 8, long: true, keeps: true, options: []string{"--ready", "notify", "--health", "notify:" + watchdog.String(), "--fd-store", "2"}},
		{name: "job", share: 4, job: true, options: []string{"--schedule", "@every " + everySecond.String()}},
		{name: "once", share: 4, once: true, timed: true, options: []string{"--log-format", "time", "--restart", "no"}},
	}
}

// watchdog is how often a service that tells that it lives has to do so. It does it far more often, but may be one of many that want
// to run.
const watchdog = 10 * time.Second

// linked is the kind of those that depend on each other. They tell themselves when they are ready.
func linked(options ...string) kind {
	return kind{name: "linked", long: true, options: append([]string{"--ready", "notify"}, options...)}
}

// serving is the kind of those that are handed a socket.
func serving(address string) kind {
	return kind{name: "serving", long: true, options: []string{"--listen", "tcp:" + address}}
}

// goesOn reports whether a service of the kind that is wanted can be in that phase. Only one that is restarted on failure may
// have ended for good, and well.
func (k kind) goesOn(p tend.Phase) bool {
	switch p {
	case tend.PhaseFailed, tend.PhaseStopped, tend.PhaseWaiting:
		return false
	case tend.PhaseScheduled:
		return k.job
	case tend.PhaseExited:
		return k.name == "failing"
	}
	return true
}

func kindNamed(name string) kind {
	for _, k := range kinds() {
		if k.name == name {
			return k
		}
	}
	panic("no kind of service is called " + name)
}

// addArguments are those of tend add for a service of the kind. Later options win over the ones before.
func (k kind) addArguments(name, program, dir string) []string {
	args := []string{"add", "--ready", "alive:20ms", "--stop", "TERM/" + endure.String() + "/KILL/5", "--env", "GOMAXPROCS=1"}
	args = append(args, k.options...)
	return append(args, name, "--", program, roleService, k.name, dir)
}

// shares says how many services of n are of each kind: at least one, where n is enough for that.
func shares(n int) []kind {
	var all []kind
	for len(all) < n {
		for _, k := range kinds() {
			for range max(1, n*k.share/100) {
				if len(all) < n {
					all = append(all, k)
				}
			}
		}
	}
	return all
}
