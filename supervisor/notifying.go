package supervisor

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tend"
	"tend/internal/fault"
	"tend/logs"
	"tend/notify"
	"tend/process"
)

// What the loop, and the start of a run, have to do with what services tell: see channels.go and package notify.

// speaks reports whether the service is given a socket to speak by: it says that it is ready, or alive, or has descriptors kept.
// Others are not, since there are programs that behave differently where there is one.
func speaks(d tend.Service) bool {
	return d.Ready.Kind == tend.CheckNotify || d.Health.Kind == tend.CheckNotify || d.FDStore > 0
}

// unheard says why a run cannot speak: its main process has become another user's, who does not get to the socket, and would not
// be heard. Nothing comes from there, so nothing else tells of it.
func unheard(main tend.Identity) string {
	if main.IsZero() || !process.Alive(main) {
		return ""
	}
	user, err := process.Owner(main.PID)
	if err != nil || user == os.Geteuid() || user == 0 {
		return ""
	}
	return fmt.Sprintf("it runs as another user (%d) than tend, so what it says by sd_notify is not heard; fd:N, or another check, is", user)
}

// watchdogOf is how often a service is to say that it is alive, by its definition; 0: it need not.
func watchdogOf(d tend.Service) time.Duration {
	if d.Health.Kind == tend.CheckNotify {
		return time.Duration(d.Health.After)
	}
	return 0
}

// equipChannels gives a run what it speaks by. What its environment says of that, which may come from whoever wrote it, is not
// true.
func (s *Supervisor) equipChannels(job spawnJob, spec *process.Spec, files *[]*os.File) error {
	d := job.def
	if speaks(d) {
		watchdog := watchdogOf(d)
		path, err := s.channels.open(job.run, watchdog)
		if err != nil {
			return err
		}
		spec.Env = setVariable(spec.Env, "NOTIFY_SOCKET", path)
		if watchdog > 0 {
			spec.Env = setVariable(spec.Env, "WATCHDOG_USEC", microseconds(watchdog))
			spec.WatchdogPID = true
		}
		if d.FDStore > 0 {
			spec.Env = setVariable(spec.Env, "FDSTORE", strconv.Itoa(d.FDStore))
		}
	}
	if d.Ready.Kind != tend.CheckFD {
		return nil
	}
	n, _ := strconv.Atoi(d.Ready.Target)
	const first = 3
	for len(spec.Files) <= n-first {
		spec.Files = append(spec.Files, nil)
	}
	if n < first || spec.Files[n-first] != nil {
		return fmt.Errorf("descriptor %d, by which it is to say that it is ready, is one of those that it is handed", n)
	}
	file, err := s.channels.openPipe(job.run)
	if err == nil {
		spec.Files[n-first] = file
		*files = append(*files, file)
	}
	return err
}

// speaker returns the service whose present run this is; nil if there is none.
func (s *Supervisor) speaker(run string) *service {
	for _, sv := range s.services {
		if sv.state.Run == run && sv.state.Phase.Live() && s.elsewhere(sv) == "" {
			return sv
		}
	}
	return nil
}

// heard takes in what a run has told. When what follows from that is written down, the next may come.
func (s *Supervisor) heard(n notify.News) {
	sv := s.speaker(runOfKey(n.Key))
	if sv != nil && !sv.state.Begun { // it was faster than the news that its process exists
		sv.early = append(sv.early, n)
		return
	}
	defer n.Close()
	if sv == nil || !s.channels.server.Fresh(n) {
		return
	}
	s.takeIn(sv, n)
}

// hearOut takes in what a run has told by now. It comes before the end of a process of it is taken in: what it said before
// that goes before, and is written down with it.
func (s *Supervisor) hearOut(sv *service) (heard bool) {
	for _, key := range []string{socketKey(sv.state.Run), pipeKey(sv.state.Run)} {
		for n, found := s.channels.server.Next(key); found; n, found = s.channels.server.Next(key) {
			s.takeIn(sv, n)
			n.Close()
			heard = true
		}
	}
	s.saySaid(sv)
	if heard {
		fault.At(fault.SupervisorHeard)
	}
	return heard
}

// takeIn acts on what a run has told. It stays where it is until what follows from it is written down.
func (s *Supervisor) takeIn(sv *service, n notify.News) {
	s.act(sv, n)
	s.effect(func() {
		s.channels.server.Done(n)
		if run := runOfKey(n.Key); n.Key == pipeKey(run) {
			s.channels.closePipe(run)
		}
	})
}

// act does what a run has told.
func (s *Supervisor) act(sv *service, n notify.News) {
	run, from := sv.state.Run, tend.CheckNotify
	if n.Key == pipeKey(run) {
		from = tend.CheckFD
	}
	if n.Err != nil && !sv.misheard {
		sv.misheard = true // it may go on like that
		s.logf("%s has sent what is not understood: %v", sv.label(), n.Err)
	}
	if n.MainPID > 0 || n.MainFD {
		if err := s.changeMain(sv, n); err != nil {
			s.logf("%s says that another process is its main process, which is not believed: %v", sv.label(), err)
		}
	}
	if n.Access != "" {
		s.channels.change(run, func(ch *channel) { ch.access = n.Access })
		s.restrict(sv)
	}
	if n.Watchdog != nil {
		s.channels.change(run, func(ch *channel) { ch.watchdog = *n.Watchdog })
		s.watchdogFrom(sv)
	}
	s.keepFor(sv, n)
	s.takeWords(sv, n)
	if n.Extend > 0 {
		s.apply(sv, tend.Extended{Run: run, By: n.Extend})
	}
	if n.ResetFailures {
		s.apply(sv, tend.Forgiven{Run: run})
	}
	if n.Ready && sv.definition.Ready.Kind == from {
		s.apply(sv, tend.Ready{Run: run})
	}
	if n.Trigger {
		s.apply(sv, tend.Faulted{Run: run, Why: "said of itself that it does not work (WATCHDOG=trigger)"})
	}
}

// changeMain follows the process that the run says is its main one, if it is of the run.
func (s *Supervisor) changeMain(sv *service, n notify.News) (err error) {
	pid := n.MainPID
	if n.MainFD {
		if len(n.Files) != 1 {
			return fmt.Errorf("MAINPIDFD=1 came with %d descriptors", len(n.Files))
		}
		if pid, err = process.PIDOf(n.Files[0]); err != nil {
			return err
		}
	}
	main := sv.state.Main
	if main.IsZero() || pid == main.PID {
		return nil
	}
	id, err := process.Member(pid, main, sv.state.Run)
	if err != nil {
		return err
	}
	if inode, known := process.InodeOf(id); known && n.MainInode != 0 && inode != n.MainInode {
		return fmt.Errorf("process %d is another by now", pid)
	}
	s.apply(sv, tend.MainChanged{Run: sv.state.Run, Main: id})
	return nil
}

// restrict has only those heard that may speak.
func (s *Supervisor) restrict(sv *service) {
	ch, found := s.channels.find(sv.state.Run)
	if !found {
		return
	}
	only := 0
	switch ch.access {
	case notify.AccessNone:
		only = -1
	case notify.AccessMain, notify.AccessExec:
		only = sv.state.Main.PID
	}
	s.channels.server.Restrict(socketKey(sv.state.Run), only)
}

// A said is what a run says of itself. Some say something new many times a second: then it is written down, and shown, once in
// a while, at last the last.
type said struct {
	at   time.Time // when it was written down last
	next *string   // STATUS, not written down yet
}

const saidPause = time.Second

func (t said) due() time.Time {
	if t.next == nil {
		return time.Time{}
	}
	return t.at.Add(saidPause)
}

// takeWords writes down what a run says of itself.
func (s *Supervisor) takeWords(sv *service, n notify.News) {
	st := sv.state
	now := tend.Told{Run: st.Run, Status: st.StatusText, Failure: st.Complaint, Reloading: st.Reloading, Stopping: st.Departing}
	t := now
	if sv.said.next != nil {
		t.Status = *sv.said.next
	}
	if n.Status != nil {
		t.Status = *n.Status
	}
	t.Stopping = t.Stopping || n.Stopping
	t.Reloading = (t.Reloading || n.Reloading) && !n.Ready && !t.Stopping
	if failure := complaint(n); failure != "" {
		t.Failure = failure
	}
	onlyStatus := t
	onlyStatus.Status = now.Status
	if onlyStatus == now && s.now.Sub(sv.said.at) < saidPause && t != now {
		sv.said.next = &t.Status
		return
	}
	if t != now {
		sv.said = said{at: s.now}
		s.apply(sv, t)
	}
}

// saySaid writes down what was put off.
func (s *Supervisor) saySaid(sv *service) {
	if sv.said.next == nil {
		return
	}
	st := sv.state
	t := tend.Told{Run: st.Run, Status: *sv.said.next, Failure: st.Complaint, Reloading: st.Reloading, Stopping: st.Departing}
	sv.said = said{at: s.now}
	s.apply(sv, t)
}

// complaint is what a message says that the run has failed of; "" for nothing.
func complaint(n notify.News) string {
	var of []string
	if n.Errno > 0 {
		of = append(of, fmt.Sprintf("%v (errno %d)", syscall.Errno(n.Errno), n.Errno))
	}
	for _, name := range []string{n.BusError, n.VarlinkError} {
		if name != "" {
			of = append(of, name)
		}
	}
	if n.ExitStatus != nil && *n.ExitStatus != 0 {
		of = append(of, fmt.Sprintf("exit status %d", *n.ExitStatus))
	}
	return strings.Join(of, ", ")
}

// notifying follows a run: its channels end with it, who may speak depends on who the main process is, and its watchdog counts
// from when it is ready.
func (s *Supervisor) notifying(sv *service, before tend.State) {
	st := sv.state
	if st.Run != before.Run {
		sv.said, sv.misheard = said{}, false
	}
	if early := sv.early; len(early) > 0 && (st.Begun || st.Run != before.Run || !st.Phase.Live()) {
		sv.early = nil
		s.calls.put(func() {
			for _, n := range early {
				s.heard(n)
			}
		})
	}
	if before.Phase.Live() && (!st.Phase.Live() || st.Run != before.Run) {
		s.effect(func() { s.channels.close(before.Run) })
	}
	if st.Main != before.Main && !st.Main.IsZero() {
		s.restrict(sv)
	}
	if st.Phase != before.Phase || st.Run != before.Run {
		s.watchdogFrom(sv)
	}
	if !st.Phase.Live() && !st.Phase.Pending() && st.Phase != before.Phase {
		s.effect(func() { s.stored.empty(sv.name()) })
	}
}

// resumeChannels goes on with what the runs of a supervisor before us speak by. What was not on the shelf is made anew: all of
// us were killed, or these keepers have none.
func (s *Supervisor) resumeChannels() {
	for _, sv := range s.services {
		run := sv.state.Run
		if !sv.state.Phase.Live() || s.elsewhere(sv) != "" {
			continue
		}
		d := sv.definition
		if _, found := s.channels.find(run); !found && speaks(d) && sv.state.Begun {
			if _, err := s.channels.open(run, watchdogOf(d)); err != nil && !errors.Is(err, notify.ErrUnsupported) {
				s.logf("%s cannot tell how it is: %v", sv.label(), err)
			}
		}
		if waits := sv.state.Phase == tend.PhaseStarting && d.Ready.Kind == tend.CheckFD; waits && !s.channels.server.Has(pipeKey(run)) && !sv.state.Main.IsZero() {
			s.findPipe(sv)
		}
		s.restrict(sv)
		s.watchdogFrom(sv)
	}
	if err := s.restoreChannels(); err != nil {
		s.notRestored(err)
	}
	s.effect(func() {
		s.channels.sweep(s.lives())
		s.stored.sweep(s.keepsDescriptors)
	})
}

// restoreChannels makes sockets again whose files somebody has removed. What was said in one that has no name any more is
// written down first.
func (s *Supervisor) restoreChannels() (err error) {
	for _, run := range s.channels.nameless() {
		if sv := s.speaker(run); sv == nil || !s.hearOut(sv) {
			err = errors.Join(err, s.channels.remake(run))
			continue
		}
		s.effect(func() {
			if err := s.channels.remake(run); err != nil {
				s.notRestored(err)
			}
		})
	}
	return err
}

// findPipe opens the pipe by which a run says that it is ready, where its process has it.
func (s *Supervisor) findPipe(sv *service) {
	read, err := logs.OpenPipe(fmt.Sprintf("/proc/%d/fd/%s", sv.state.Main.PID, sv.definition.Ready.Target))
	if err == nil {
		err = s.channels.addPipe(sv.state.Run, nil, read)
	}
	if err != nil {
		s.logf("%s cannot say any more that it is ready: %v", sv.label(), err)
	}
}

// keepsDescriptors reports whether descriptors are kept for the service of that name.
func (s *Supervisor) keepsDescriptors(name string) bool {
	sv := s.services[name]
	return sv != nil && (sv.state.Phase.Live() || sv.state.Phase.Pending())
}
