package supervisor

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"tend"
	"tend/logs"
	"tend/notify"
)

// service is one service under supervision. Only the loop's goroutine touches it.
type service struct {
	definition  tend.Service // the last one that could be read
	broken      *tend.Error  // why today's cannot be read, nil if it can
	state       tend.State
	place       tend.Place      // where the state was written; zero: nowhere yet
	run         *tend.Run       // the present or last run, nil before the first of this supervisor's time
	last        *tend.Run       // the last run that ended in this supervisor's time
	keeper      tend.Identity   // the parent of its main process, where that is a keeper of ours: whatever it orphans turns up there
	unseen      bool            // the run's main process was gone already when we first looked for it
	overdue     bool            // its main process had ended before we came, and that has not been taken in yet
	ending      bool            // its main process has ended, and that is taken in soon; see held
	hunt        *hunt           // while its tree is being ended
	probing     *probing        // nil: it is asked nothing
	holder      string          // who had the port that its last run was to have, "" if nobody is known to
	errorOffset int64           // size of the log of stderr alone when the present run began, bytes; -1: not known
	strays      []tend.Identity // found when that was done, and not told of yet
	wishes      []*wish         // the requests that wait for something to happen to it
	logTrouble  string          // what is wrong with its log, "" if nothing is
	sendTrouble string          // why its log cannot be sent elsewhere, "" if it can
	damage      string          // why its state could not be read, "" if it could
	commandLost string          // the run whose stop command has died with our predecessor
	weighed     bool            // how much memory its run has is looked at
	removed     bool            // its row has been deleted by hand while it ran
	surplus     bool            // it is a copy that is no more: see copies.go
	said        said            // what its run says of itself
	early       []notify.News   // heard of its run before its process was
	misheard    bool            // its run has sent what was not understood, and that was told of
	watchdog    watchdog        // waits for signs of life of its run
	damping     damping         // of restarts for files that it may change itself
	fresh       bool            // it is a copy that was not there before

	// What else is wrong with it, "" where nothing is; see tend.Status.Troubles.
	watchTrouble string // why changes of its files are not seen
	hookTrouble  string // why its events cannot be told
}

// name is what it is kept by; label is what people call it. They differ for the first of several copies.
func (sv *service) name() string  { return sv.definition.Name }
func (sv *service) label() string { return sv.definition.Label() }

// typed is the label as one types it in a command.
func (sv *service) typed() string { return tend.ShellWord(sv.label()) }

// elsewhere is the host that the service lives on, or is started again by, if that is not ours: its pids mean nothing
// here, and its times are another supervisor's to keep.
func (s *Supervisor) elsewhere(sv *service) string {
	if s.local(sv) || !sv.state.Phase.Live() && !sv.state.Phase.Pending() {
		return ""
	}
	return sv.place.Host
}

// held reports whether the next step of the state has to wait until the end of the main process has been taken in: nobody is
// ready who has ended, nor has survived everything. But what is left goes on being stopped: some of that is found only as
// it is killed.
func (sv *service) held() bool {
	more := sv.state.Phase == tend.PhaseStopping && sv.state.StopStep+1 < len(sv.definition.WithDefaults().Stop)
	return sv.ending && !more
}

// spent reports whether the run has survived every step of its stop schedule.
func (sv *service) spent() bool {
	return sv.state.Phase == tend.PhaseStopping && sv.state.Begun && sv.state.Next.IsZero()
}

// lives returns what tells a run that lives.
func (s *Supervisor) lives() func(run string) bool {
	living := map[string]bool{}
	for _, sv := range s.services {
		living[sv.state.Run] = sv.state.Phase.Live()
	}
	return func(run string) bool { return living[run] }
}

// local reports whether what is known of the service was written on this host, or nowhere yet.
func (s *Supervisor) local(sv *service) bool {
	return sv.place.Host == "" || sv.place.SameHost(s.place)
}

// rebooted reports whether the state was written on a boot, or in a pid namespace, that is not the present one.
func (s *Supervisor) rebooted(sv *service) bool {
	return sv.place != (tend.Place{}) && (sv.place.Boot != s.place.Boot || sv.place.Namespace != s.place.Namespace)
}

// logPath is the path of the service's own log.
func (s *Supervisor) logPath(sv *service) string { return logs.Path(s.database, sv.name()) }

func (s *Supervisor) status(sv *service) tend.Status {
	v := s.view(sv)
	return s.show(&v, false, s.wall())
}

// view is what there is to show of a service at this moment. It may be shown outside the loop: nothing in it changes.
type view struct {
	definition tend.Service
	state      tend.State
	elsewhere  string
	left       []int
	logTrouble string
	unready    string
	unhealthy  string
	troubles   []string
	obstacles  []tend.Obstacle
	holders    []string
}

func (s *Supervisor) view(sv *service) view {
	v := view{definition: sv.definition, state: sv.state, elsewhere: s.elsewhere(sv), logTrouble: sv.sendTrouble}
	v.unready, v.unhealthy = cmp.Or(sv.unready(), sv.holder), sv.unhealthy()
	if sv.state.Phase.Live() {
		v.logTrouble = cmp.Or(sv.logTrouble, sv.sendTrouble)
	}
	for _, trouble := range []string{sv.watchTrouble, sv.damping.trouble(), sv.hookTrouble} {
		if trouble != "" {
			v.troubles = append(v.troubles, trouble)
		}
	}
	if sv.spent() {
		v.left = sv.left()
	}
	switch service := sv.definition.Service(); {
	case sv.state.Phase == tend.PhaseWaiting:
		v.obstacles = s.near.Order.Obstacles(service, s.standings)
	case sv.state.Halting:
		v.holders = s.near.Order.Holders(service, s.standings)
	}
	v.definition.Broken = sv.broken
	return v
}

func (s *Supervisor) show(v *view, brief bool, now time.Time) tend.Status {
	newStatus := tend.NewStatus
	if brief {
		newStatus = tend.NewBriefStatus
	}
	status := newStatus(v.definition, v.state, logs.Path(s.database, v.definition.Name), now)
	status.Awaits(v.obstacles, v.holders)
	status.Elsewhere, status.Left, status.LogTrouble = v.elsewhere, v.left, v.logTrouble
	status.Unready, status.Unhealthy = v.unready, v.unhealthy
	status.Troubles = v.troubles
	return status
}

// target is what tend.Select needs to know.
func (sv *service) target() tend.Target {
	return sv.definition.Target()
}

func joinInts(numbers []int) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ", ")
}
