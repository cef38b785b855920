package tend

import (
	"fmt"
	"strings"
	"time"
)

// Place is where a process lives: pids mean nothing outside it.
type Place struct {
	Host      string `json:"host"`      // NAME/MACHINE, or only its name where the machine has no id; compared by SameHost
	Boot      string `json:"boot"`      // /proc/sys/kernel/random/boot_id
	Namespace uint64 `json:"namespace"` // inode of the pid namespace, 0 where there is none
}

// SameHost reports whether both are on one host, which may have been rebooted in between. It goes by the machine's id,
// if there is one: a host's name changes, with the network that a laptop is in and with each container that takes the
// place of the one before.
func (p Place) SameHost(other Place) bool { return machine(p.Host) == machine(other.Host) }

func machine(host string) string { return host[strings.LastIndexByte(host, '/')+1:] }

// Identity names one process for ever. A pid alone is reused; together with the start time it is not, within one
// place. Nothing is ever signalled, or believed to live, by its pid alone.
type Identity struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks since boot, field 22 of /proc/PID/stat; see proc_pid_stat(5)
}

// IsZero reports whether the identity names no process.
func (i Identity) IsZero() bool { return i.PID == 0 }

// Exit is how a run ended.
type Exit struct {
	Code    int    `json:"code"`              // the exit status, where Signal is empty
	Signal  string `json:"signal,omitempty"`  // the signal that ended it, without SIG
	Core    bool   `json:"core,omitempty"`    // it dumped core
	Unknown bool   `json:"unknown,omitempty"` // it ended, and nobody can say how
	Lost    string `json:"lost,omitempty"`    // it ended with its host: "reboot"
	Error   string `json:"error,omitempty"`   // it never began: why
	Fault   string `json:"fault,omitempty"`   // tend ended it for this, so it has failed, whatever its exit status is
}

// Account says it with the reason, where tend had one to end the run: to be read after "it".
func (e Exit) Account() string {
	if e.Fault == "" {
		return e.String()
	}
	return "was ended, because it " + strings.TrimPrefix(e.Fault, "it ")
}

// reason is that where "because" stands before it already.
func (e Exit) reason() string {
	if e.Fault != "" {
		return "it " + strings.TrimPrefix(e.Fault, "it ")
	}
	return "it " + e.String()
}

// String says it in words: "exited with status 3", "was killed by SIGKILL".
func (e Exit) String() string {
	switch {
	case e.Error != "":
		return "could not be started: " + e.Error
	case e.Lost != "":
		return "was lost by " + e.Lost
	case e.Unknown:
		return "ended, nobody can say how"
	case e.Core:
		return "was killed by SIG" + e.Signal + " (core dumped)"
	case e.Signal != "":
		return "was killed by SIG" + e.Signal
	}
	return fmt.Sprintf("exited with status %d", e.Code)
}

// Cause is why a run was started.
type Cause string

// The causes of a run.
const (
	CauseStart      Cause = "start"      // somebody typed start or run
	CauseRestart    Cause = "restart"    // somebody typed restart
	CauseFailure    Cause = "failure"    // the run before it failed
	CauseEnd        Cause = "end"        // the run before it ended well, and the policy is always
	CauseResume     Cause = "resume"     // it is wanted, and was not running when supervision began: after a reboot or a shutdown
	CauseSchedule   Cause = "schedule"   // its time had come
	CauseOnce       Cause = "once"       // somebody asked for one run
	CauseDependency Cause = "dependency" // what it requires, and had failed, is ready again
	CauseWatch      Cause = "watch"      // a file that it is restarted for has changed
	CauseTakeover   Cause = "takeover"   // it ran already, started by the 2008 script
)

// Run is one life of a service: from the decision to start it to the end of its process.
type Run struct {
	ID         string `json:"id"` // random, unique among all databases; the service sees it as TEND_RUN
	Service    string `json:"service"`
	Cause      Cause  `json:"cause"`
	Place      `json:"-"`
	Identity   `json:"-"`
	StartedAt  time.Time `json:"started_at"`           // when it was decided
	ReadyAt    time.Time `json:"ready_at,omitzero"`    // zero until it is ready
	EndedAt    time.Time `json:"ended_at,omitzero"`    // zero while it lives
	EndedAfter time.Time `json:"ended_after,omitzero"` // it ended at an unknown moment between this and EndedAt; zero: at EndedAt
	Exit       *Exit     `json:"exit,omitempty"`       // nil while it lives
	LogOffset  int64     `json:"log_offset,omitzero"`  // size of its log when it began, bytes
}
