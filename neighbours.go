package tend

// Neighbours lets those that depend on each other take in what happens to any of them. Whoever applies events tells it of
// each change (Changed) and, before anything is written down, has everything that follows from that decided (Settle): a wait
// that is over, a failure that is now another's as well, a stop that nobody holds any more. It remembers nothing but changes
// that are not taken in yet: all else follows from the states, so that whoever takes over goes on where the last one stood.
type Neighbours struct {
	Order   *Order
	At      Standings
	Tell    func(key string, e Event)              // applies the event, in the course of which Changed is called
	Blocked func(key string, obstacles []Obstacle) // something stays in the way of a start; nil: nobody cares
	Leaving func() bool                            // everything is being stopped, nothing is begun any more
	turned  []turned
	all     bool
}

// turned is a service of which a copy has changed.
type turned struct {
	service string
	how     string // it has just failed for good, or is gone, in this way; "": neither
	far     bool   // also those see it that depend on it through others only
	let     bool   // it was being stopped, or was to be, for which others may have waited
}

// Redrawn has everything looked at again: Order is new, or so is whoever looks.
func (n *Neighbours) Redrawn() { n.all = true }

// Changed tells of a copy of the service, whose state was another before.
func (n *Neighbours) Changed(service string, before, after State) {
	spent := Standing{State: before}.spent() != Standing{State: after}.spent()
	if before.Phase == after.Phase && before.Run == after.Run && before.Halting == after.Halting && !spent {
		return
	}
	if n.Order.Alone(service) && after.Phase != PhaseWaiting {
		return
	}
	t := turned{service: service, far: far(before) || far(after), let: before.Halting || before.Phase == PhaseStopping}
	if before.Phase != after.Phase {
		t.how = n.fallen(service)
	}
	n.turned = append(n.turned, t)
}

// far reports whether the state concerns those that depend on a service through others: it is being restarted, or has failed
// while they wait for a first attempt. Everything else they see when those between have changed.
func far(st State) bool {
	return st.Then == ThenStart || st.Cause == CauseRestart || st.Phase == PhaseBackoff || st.Failures > 0 || st.Restarts > 0
}

// Gone tells of a service that there is no more.
func (n *Neighbours) Gone(service string) {
	n.turned = append(n.turned, turned{service: service, how: "was removed", far: true, let: true})
}

// Again has those looked at again that depend on the service, for a reason that is not in its state.
func (n *Neighbours) Again(service string) { n.turned = append(n.turned, turned{service: service}) }

// fallen says in which way all copies of the service have failed for good, or were stopped; "" if they have not. A failure
// has to last: what failed for want of another is down as well.
func (n *Neighbours) fallen(service string) (how string) {
	for _, s := range n.At(service) {
		switch {
		case s.Elsewhere:
			return ""
		case s.Phase == PhaseFailed:
			how = "failed: " + s.Reason
		case s.Phase == PhaseStopped && !s.Wanted:
			if how == "" {
				how = "was stopped"
			}
		default:
			return ""
		}
	}
	return how
}

// Settle decides until nothing changes any more. It comes to an end: every step leads a service on to what those before it in
// the order allow.
func (n *Neighbours) Settle() {
	for n.all || len(n.turned) > 0 {
		if n.all {
			n.all = false
			for _, name := range n.Order.names {
				n.proceed(name)
				n.release(name)
			}
			continue
		}
		t := n.turned[0]
		n.turned = n.turned[1:]
		n.takeIn(t)
	}
	n.turned = nil
}

func (n *Neighbours) takeIn(t turned) {
	n.proceed(t.service)
	n.release(t.service)
	if t.how != "" {
		for _, l := range n.Order.Lacks(t.service, t.how) {
			n.lack(l)
		}
	}
	if t.far {
		for _, other := range n.Order.Above(t.service) {
			n.proceed(other)
		}
	} else {
		for _, d := range n.Order.NeededBy(t.service) {
			n.proceed(d.Service)
		}
	}
	if t.let {
		for _, other := range n.Order.Below(t.service) {
			n.release(other)
		}
	}
}

// lack tells a service that what it requires has failed for good. Those that need it are told, and stopped, before it. One that
// waits sees for itself, and a job when its time comes.
func (n *Neighbours) lack(l Lack) {
	for _, s := range n.At(l.Service) {
		concerned := s.Phase == PhaseStarting || s.Phase == PhaseRunning || s.Phase == PhaseBackoff
		if concerned && !s.Elsewhere && !s.Halting {
			n.Tell(s.Key, Lacking{Name: l.On, Why: l.Why, Hold: n.Held(l.Service)})
		}
	}
}

// Held reports whether there are others that are to end before the service is stopped.
func (n *Neighbours) Held(service string) bool { return len(n.Order.Holders(service, n.At)) > 0 }

// release stops a service that was to be stopped as soon as those that need it have ended.
func (n *Neighbours) release(service string) {
	for _, s := range n.At(service) {
		if s.Halting && !s.Elsewhere && !n.Held(service) {
			n.Tell(s.Key, Released{})
		}
	}
}

// proceed begins the run of a service that waits, or has failed only for want of another, if nothing is in the way.
func (n *Neighbours) proceed(service string) {
	for _, s := range n.At(service) {
		lacking := s.Phase == PhaseFailed && s.Lacks != "" && s.Wanted
		if s.Phase != PhaseWaiting && !lacking || s.Elsewhere || n.Leaving() {
			continue
		}
		obstacles := n.Order.Obstacles(service, n.At)
		switch {
		case len(obstacles) == 0:
			n.Tell(s.Key, Cleared{})
		case lacking:
		case obstacles[0].Final:
			n.Tell(s.Key, Lacking{Name: obstacles[0].On, Why: obstacles[0].Why()})
		default:
			n.startAlong(obstacles)
			if n.Blocked != nil {
				n.Blocked(s.Key, obstacles)
			}
		}
	}
}

// startAlong starts what is required and that nobody wants: it was not required when whoever waits for it was started, or it
// was stopped before that.
func (n *Neighbours) startAlong(obstacles []Obstacle) {
	for _, o := range obstacles {
		if o.Bond != BondRequires {
			continue
		}
		for _, s := range n.At(o.On) {
			if rests := s.Phase == PhaseStopped || s.Phase == ""; (rests || !s.Wanted) && s.Phase != PhaseFailed && !s.Broken && !s.Elsewhere {
				n.Tell(s.Key, StartRequested{})
			}
		}
	}
}
