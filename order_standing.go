package tend

import (
	"fmt"
	"slices"
	"strings"
)

// Standing is how one copy of a service stands, as those see it that depend on it.
type Standing struct {
	State
	Key       string // by which it is kept
	Name      string // by which it is shown
	Elsewhere bool   // another host runs it: that it does is all that can be asked for
	Broken    bool   // its definition cannot be read, so it cannot be started
}

// Standings tells how the copies of a service stand. There are none where there is no such service.
type Standings func(name string) []Standing

// Up reports whether those that depend on it may run: it is ready, or has ended well and was to do no more than that, or is
// a job, which is up when it waits for its time.
func (s Standing) Up() bool {
	switch s.Phase {
	case PhaseRunning:
		return !s.Halting
	case PhaseExited, PhaseScheduled:
		return true
	}
	return s.Elsewhere
}

// down reports whether time alone will not bring it up.
func (s Standing) down() bool {
	return s.Phase == PhaseFailed || s.Broken && !s.Phase.Live() && !s.Phase.Pending()
}

// out reports whether it is down, or somebody has stopped it: where other copies are not, those have to do.
func (s Standing) out() bool {
	return s.down() || !s.Wanted && (s.Phase == PhaseStopped || s.Phase == "")
}

// firstTry reports whether it is on its way, and has not failed on it yet.
func (s Standing) firstTry() bool {
	switch s.Phase {
	case PhaseStarting, PhaseWaiting:
		return s.Restarts == 0 && s.Failures == 0 && !s.Halting
	case PhaseStopping:
		return s.Then == ThenStart
	}
	return s.comesBack()
}

// comesBack reports whether it is to be restarted as soon as those that need it have ended.
func (s Standing) comesBack() bool { return s.Halting && s.Then == ThenStart }

// spent reports whether it has survived every step of its stop schedule: that is waited for no longer.
func (s Standing) spent() bool { return s.Phase == PhaseStopping && s.Begun && s.Next.IsZero() }

// how says it in words, after the name.
func (s Standing) how() string {
	switch {
	case s.Halting && s.Then == ThenStart:
		return "is to be restarted"
	case s.Halting:
		return "is to be stopped"
	case s.Phase == PhaseFailed:
		return "failed: " + s.Reason
	case s.Broken && !s.Phase.Live():
		return "has a definition that cannot be read"
	case s.Phase == PhaseStarting && s.Failures > 0 && s.Exit != nil:
		return "is being started again: it " + s.Exit.Account()
	case s.Phase == PhaseBackoff && s.Exit != nil:
		return "is started again after a pause: it " + s.Exit.Account()
	case s.Phase == PhaseBackoff:
		return "is started again after a pause"
	case s.Phase == PhaseStopped || s.Phase == "":
		return "does not run"
	case s.Phase == PhaseWaiting:
		return "waits as well"
	case s.Main.PID != 0:
		return fmt.Sprintf("is %s (pid %d)", s.Phase, s.Main.PID)
	}
	return "is " + string(s.Phase)
}

// Obstacle is what is in the way of a start.
type Obstacle struct {
	Dependency
	Copy  string `json:"copy"`            // of On, as it is shown
	How   string `json:"how"`             // how that stands, in words after its name
	Final bool   `json:"final,omitempty"` // time alone will not take it out of the way
}

// String says it in words: "db, which is starting (pid 5)".
func (o Obstacle) String() string { return o.Copy + ", which " + o.How }

// Why says for what the service cannot run.
func (o Obstacle) Why() string {
	if o.Bond == BondRequires {
		return "it requires " + o.String()
	}
	return "it waits for " + o.String()
}

// Obstacles returns what is in the way of a start of the service, the final ones first.
//
// What it requires must be up, but for copies that have failed, or were stopped, where not all have. What it wants, or only comes after, is waited for as long as its first attempt goes on. So
// is what it depends on through others, as long as that is being restarted: several that are restarted together are
// stopped and started in order, also where one between them goes on running.
func (o *Order) Obstacles(name string, at Standings) []Obstacle {
	var found []Obstacle
	for _, d := range o.needs[name] {
		copies := at(d.On)
		if len(copies) == 0 && d.Bond == BondRequires {
			found = append(found, Obstacle{d, d.On, "is not there", true})
		}
		all := !slices.ContainsFunc(copies, func(s Standing) bool { return !s.out() })
		for _, s := range copies {
			switch {
			case s.Up(), s.out() && !all:
			case d.Bond == BondRequires:
				found = append(found, Obstacle{d, s.Name, s.how(), s.down()})
			case s.firstTry() && !o.stalled(d.On, s, at):
				found = append(found, Obstacle{d, s.Name, s.how(), false})
			}
		}
	}
	if len(found) == 0 {
		found = o.restarting(name, at)
	}
	slices.SortStableFunc(found, func(a, b Obstacle) int {
		switch {
		case a.Final == b.Final:
			return 0
		case a.Final:
			return -1
		}
		return 1
	})
	return found
}

// stalled reports whether it waits for something that it requires, whose first attempt has failed: it may do so for ever.
func (o *Order) stalled(name string, s Standing, at Standings) bool {
	if s.Phase != PhaseWaiting {
		return false
	}
	for _, d := range o.needs[name] {
		if d.Bond != BondRequires {
			continue
		}
		for _, below := range at(d.On) {
			if !below.Up() && (!below.firstTry() || o.stalled(d.On, below, at)) {
				return true
			}
		}
	}
	return false
}

// restarting returns what the service depends on through others and is being restarted.
func (o *Order) restarting(name string, at Standings) (found []Obstacle) {
	below := o.closure([]string{name}, o.Needs, func(d Dependency) (string, bool) { return d.On, true })
	for _, other := range below {
		for _, s := range at(other) {
			again := s.comesBack() || s.Phase == PhaseStopping && s.Then == ThenStart ||
				(s.Phase == PhaseWaiting || s.Phase == PhaseStarting) && s.Cause == CauseRestart && s.firstTry() && !o.stalled(other, s, at)
			if other != name && again && !s.Elsewhere {
				found = append(found, Obstacle{Dependency{name, other, BondAfter}, s.Name, s.how(), false})
			}
		}
	}
	return found
}

// Holders returns those that are to end before the service is stopped: whoever depends on it in any way and is being stopped
// as well, or is to be. What cannot be ended is not waited for.
func (o *Order) Holders(name string, at Standings) (names []string) {
	if len(o.needed[name]) == 0 {
		return nil
	}
	for _, other := range o.Above(name) {
		for _, s := range at(other) {
			if !s.Elsewhere && (s.Halting || s.Phase == PhaseStopping && !s.spent()) {
				names = append(names, s.Name)
			}
		}
	}
	return names
}

// Starts returns what is to be started where these are, in the order of a start: what they require or want and is not up,
// and these themselves.
func (o *Order) Starts(names []string, at Standings) []string {
	return o.closure(names, o.Needs, func(d Dependency) (string, bool) {
		return d.On, d.Bond != BondAfter && !up(at(d.On))
	})
}

// Along returns all that these require or want, directly or through others, and these themselves, in the order of a start.
func (o *Order) Along(names []string) []string {
	return o.closure(names, o.Needs, func(d Dependency) (string, bool) { return d.On, d.Bond != BondAfter })
}

func up(copies []Standing) bool {
	return !slices.ContainsFunc(copies, func(s Standing) bool { return !s.Up() })
}

// Stops returns what is to be stopped where these are, in that order: whoever requires them and is up, or wanted, and these
// themselves.
func (o *Order) Stops(names []string, at Standings) []string {
	all := slices.DeleteFunc(o.Dependants(names), func(name string) bool {
		active := slices.ContainsFunc(at(name), func(s Standing) bool { return !s.Elsewhere && (s.Wanted || s.Phase.Live()) })
		return !active && !slices.Contains(names, name)
	})
	slices.Reverse(all)
	return all
}

// Lack is what is said to one of those that require what has failed for good, or is gone.
type Lack struct {
	Service string
	On      string // what it requires itself
	Why     string
}

// Lacks returns who is to be stopped because the service has failed for good or is gone, how says in which way, in the order
// of a stop.
func (o *Order) Lacks(name, how string) []Lack {
	why := map[string]Lack{}
	var all []Lack
	for _, other := range o.Dependants([]string{name}) {
		for _, d := range o.needs[other] {
			if _, known := why[other]; known || d.Bond != BondRequires || other == name {
				continue
			}
			below, indirect := why[d.On]
			switch {
			case d.On == name:
				why[other] = Lack{other, name, "it requires " + name + ", which " + how}
			case indirect:
				why[other] = Lack{other, d.On, "it requires " + d.On + ", which failed: " + below.Why}
			default:
				continue
			}
			all = append(all, why[other])
		}
	}
	slices.Reverse(all)
	return all
}

// Obstruction says what all the obstacles are, in words after "waiting for".
func Obstruction(obstacles []Obstacle) string {
	var words []string
	for _, o := range obstacles {
		words = append(words, o.String())
	}
	return strings.Join(words, "; ")
}
