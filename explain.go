package tend

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Account is what is known of a service when somebody asks why it is as it is.
type Account struct {
	Service      Service
	State        State
	Damage       error      // why what was written down of the state cannot be read: no more than Phase and Wanted is known then
	Elsewhere    string     // the other host that runs it, "" if none does
	Left         []int      // the processes that survived every step of a stop
	LogTrouble   string     // what is wrong with its log, "" if nothing is known to be
	Unready      string     // what its readiness check last got to hear, while it is starting
	Unhealthy    string     // what its health check last got to hear, while it fails
	Troubles     []string   // what else is
	WaitsFor     []Obstacle // what is in the way of its start
	HeldBy       []string   // who is to end before it is stopped
	Runs         []Run      // newest first; the present one and those before it
	Absences     []Absence  // eldest first
	Unsupervised bool       // no supervisor can be reached: nothing happens until one is
}

// Explain says in sentences why a service is in the state it is in, what is waited for, what happens next and when, and
// what to type. Times are those of the clock where now is.
func Explain(a Account, now time.Time) []string {
	e := explanation{Account: a, now: now, name: a.Service.Label(), word: ShellWord(a.Service.Label())}
	e.Service = a.Service.WithDefaults()
	if broken := a.Service.Broken; broken != nil {
		e.say("%s", broken.Message)
		e.say("Until that is mended it is not started: %s", broken.Hint)
	}
	if e.Elsewhere != "" {
		e.elsewhere()
		return e.sentences
	}
	if e.Unsupervised && e.State.NeedsSupervisor(false) {
		e.say("No supervisor can be reached just now: this is how it was when last written down. Any command looks for one again: tend status %s", e.word)
	}
	if e.Damage != nil {
		e.damaged()
		return e.sentences
	}
	switch e.State.Phase {
	case PhaseWaiting:
		e.waiting()
	case PhaseScheduled:
		e.scheduled()
	case PhaseStarting:
		e.starting()
	case PhaseRunning:
		e.running()
	case PhaseStopping:
		e.stopping()
	case PhaseBackoff:
		e.backoff()
	case PhaseExited:
		e.exited()
	case PhaseFailed:
		e.failed()
	default:
		e.stopped()
	}
	e.halting()
	e.says()
	e.healthy()
	if e.Unready != "" && !e.State.Phase.Live() {
		e.say("And %s", e.Unready)
	}
	if e.LogTrouble != "" {
		e.say("But %s", e.LogTrouble)
	}
	for _, trouble := range e.Troubles {
		e.say("But %s", trouble)
	}
	return e.sentences
}

// explanation is an answer in the making.
type explanation struct {
	Account
	now        time.Time
	name, word string // as it is, and as one types it
	sentences  []string
}

func (e *explanation) say(format string, args ...any) {
	sentence := fmt.Sprintf(format, args...)
	if !strings.HasSuffix(sentence, ".") && !strings.Contains(sentence, ": tend ") && !strings.Contains(sentence, ": sqlite3 ") {
		sentence += "."
	}
	e.sentences = append(e.sentences, sentence)
}

// since writes when something was and how long ago.
func (e *explanation) since(t time.Time) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	return fmt.Sprintf("at %s (%s ago)", Moment(t, e.now), Span(e.now.Sub(t)))
}

// next writes when something will be.
func (e *explanation) next(t time.Time) string {
	if !t.After(e.now) {
		return "now"
	}
	return fmt.Sprintf("%s (at %s)", Soon(t.Sub(e.now)), Moment(t, e.now))
}

func (e *explanation) elsewhere() {
	host, _, _ := strings.Cut(e.Elsewhere, "/")
	as := ""
	if pid := e.State.Main.PID; pid != 0 {
		as = fmt.Sprintf(", as process %d", pid)
	}
	e.say("%s is %s on another host, %s%s, so tend leaves it alone here", e.name, e.State.Phase, host, as)
	e.say("Use tend there; if that host is gone for good, start it here: tend start --here %s", e.word)
}

// damaged says what is left to say of a state that somebody has edited.
func (e *explanation) damaged() {
	wanted := "not wanted"
	if e.State.Wanted {
		wanted = "wanted"
	}
	e.say("What was written down of %s cannot be read (%v); all that is known is that its state was %s, and that it is %s",
		e.name, e.Damage, cmp.Or(e.State.Phase, PhaseStopped), wanted)
	e.say("A start writes it anew: tend start %s", e.word)
}

func (e *explanation) stopped() {
	st := e.State
	switch {
	case st.Run == "" && st.Exit == nil && !st.Wanted:
		e.say("%s was never started", e.name)
	case st.Wanted:
		e.say("%s is wanted, and does not run because tend was told to stop everything and leave %s", e.name, e.since(st.Since))
		e.lastRun()
		e.say("It is started again as soon as somebody supervises: tend start %s", e.word)
		return
	case st.Exit != nil && st.Exit.Lost != "":
		e.say("%s was being stopped, and its run was lost by %s before that was done", e.name, st.Exit.Lost)
	case st.Expired:
		e.say("%s was stopped %s, because its time was over (expires), and is not wanted since", e.name, e.since(st.Since))
		e.lastRun()
	default:
		e.say("%s was stopped by a command %s, and is not wanted since", e.name, e.since(st.Since))
		e.lastRun()
	}
	e.say("Nothing happens by itself; to have it run: tend start %s", e.word)
}

func (e *explanation) exited() {
	e.say("%s ended by itself %s: it %s, which counts as a success", e.name, e.since(e.State.Ended), e.State.Exit)
	e.away()
	if e.Service.Restart == RestartAlways { // by now: it was another one then
		e.say("No other run follows until somebody asks for one: tend start %s", e.word)
		return
	}
	e.say("Its restart policy is %s, so no other run follows until somebody asks for one: tend start %s", e.Service.Restart, e.word)
}

func (e *explanation) failed() {
	if e.State.Lacks != "" {
		e.lacking()
		return
	}
	if exit := e.State.Exit; exit != nil && exit.Error != "" {
		e.say("%s could not be started %s: %s", e.name, e.since(e.State.Since), exit.Error)
	} else {
		e.say("%s has failed %s: it %s", e.name, e.since(e.State.Since), e.State.Reason)
		if !e.State.EndedAfter.IsZero() {
			e.lastRun()
		} else {
			e.away()
		}
	}
	e.say("It is not started again by itself; when that is mended: tend start %s", e.word)
}

func (e *explanation) backoff() {
	st := e.State
	e.say("%s does not run just now, and is to be started again", e.name)
	e.lastRun()
	if st.Exit != nil && e.Service.Success(*st.Exit) {
		e.say("Its restart policy is %s, so it is started again, after a pause, because it had run for a moment only", e.Service.Restart)
	} else {
		e.say("That was failure %d in a row; its restart policy is %s, so it is started again, after pauses that grow from %s to %s",
			st.Failures, e.Service.Restart, e.Service.Backoff.Min, e.Service.Backoff.Max)
	}
	if limit := e.Service.GiveUpAfter; limit > 0 {
		e.say("tend gives up after %d failures in a row", limit)
	}
	e.say("The next try comes %s; to try at once: tend start %s", e.next(st.Next), e.word)
	e.say("To end the trying: tend stop %s", e.word)
}

func (e *explanation) starting() {
	st := e.State
	e.say("%s is being started since %s, because %s", e.name, Moment(st.Started, e.now), e.because(st.Cause, 0))
	if !st.Begun {
		e.say("Its process is just being made")
		return
	}
	e.ready()
	e.restarts()
}

func (e *explanation) running() {
	st := e.State
	e.say("%s runs since %s (%s), as process %d", e.name, Moment(st.Started, e.now), Span(e.now.Sub(st.Started)), st.Main.PID)
	e.say("It was started because %s", e.because(st.Cause, 0))
	if st.Cause == CauseFailure || st.Cause == CauseEnd {
		e.away()
	}
	e.restarts()
	if st.Failures > 0 && !e.Service.healthy(e.now.Sub(st.Started)) {
		e.say("It has failed %s in a row; that is forgotten once it has run for %s", times(st.Failures), e.Service.HealthyAfter)
	}
	e.calendar()
}

func (e *explanation) stopping() {
	st := e.State
	what := "is being stopped since"
	switch st.Then {
	case ThenStart:
		what = "is being stopped, to be started again, since"
	case ThenEnd:
		reason := st.Reason
		if st.Next.IsZero() && st.Exit != nil { // by then the reason is that something has survived
			reason = st.Exit.String() + " and left others behind"
		}
		e.say("The main process of %s %s", e.name, reason)
		what = "is being cleared away since"
	}
	e.say("%s %s %s", e.name, what, Moment(st.Since, e.now))
	steps := e.Service.Stop
	switch {
	case !st.Begun:
		e.say("Its process is just being made, and is ended as soon as it exists")
	case st.Next.IsZero():
		left := "something of it lives on"
		if len(e.Left) > 0 {
			left = pids(e.Left) + " on"
		}
		e.say("It survived every step of its stop schedule, %s: %s", steps, left)
		e.say("tend goes on watching for the end, and sends nothing more unless it is asked to: tend stop %s", e.word)
	case st.StopStep < 0:
		e.say("Its stop command runs; when it has ended, or %s, it gets SIG%s", e.next(st.Next), steps[0].Signal)
	case st.StopStep < len(steps):
		e.say("SIG%s was sent, step %d of %d of its stop schedule", steps[st.StopStep].Signal, st.StopStep+1, len(steps))
		if next := st.StopStep + 1; next < len(steps) {
			e.say("What has not ended gets SIG%s %s", steps[next].Signal, e.next(st.Next))
		} else {
			e.say("That was the last step; what has not ended %s has survived", e.next(st.Next))
		}
	}
}

// says repeats what the run says of itself.
func (e *explanation) says() {
	st := e.State
	if !st.Phase.Live() {
		return
	}
	switch {
	case st.Departing:
		e.say("It says that it is about to end")
	case st.Reloading:
		e.say("It says that it reads its configuration again")
	}
	if st.StatusText != "" {
		e.say("It says of itself: %s", st.StatusText)
	}
}

// because says why a run was started; before is the index of that run in Runs.
func (e *explanation) because(cause Cause, index int) string {
	before := ""
	if index+1 < len(e.Runs) {
		if exit := e.Runs[index+1].Exit; exit != nil {
			before = ": it " + exit.Account()
		}
	} else if exit := e.State.Exit; exit != nil && len(e.Runs) == 0 {
		before = ": it " + exit.Account()
	}
	switch cause {
	case CauseRestart:
		return "somebody asked for a restart"
	case CauseFailure:
		return "the run before it failed" + before
	case CauseEnd:
		return "the run before it ended, and the restart policy is always" + before
	case CauseResume:
		return "it is wanted, and did not run when supervision began"
	case CauseWatch:
		return "a file that it is restarted for has changed; which one: tend events " + e.word
	case CauseDependency:
		return "what it requires had failed, and was ready again"
	case CauseSchedule:
		return "its time had come"
	case CauseOnce:
		return "somebody asked for one run"
	case CauseTakeover:
		return "the 2008 script had done so; tend has taken it over"
	}
	return "somebody asked for it"
}

// restarts sums up the last hour.
func (e *explanation) restarts() {
	const span = time.Hour
	counts, order := map[string]int{}, []string(nil)
	total, more := 0, ""
	for i, run := range e.Runs {
		if run.Cause != CauseFailure && run.Cause != CauseEnd || e.now.Sub(run.StartedAt) > span {
			continue
		}
		total++
		how := "of an end that is not remembered"
		if i+1 < len(e.Runs) && e.Runs[i+1].Exit != nil {
			how = e.Runs[i+1].Exit.reason()
		}
		if i+1 == len(e.Runs) { // there was one before it, and only so many are kept
			more = "at least "
		}
		if counts[how]++; counts[how] == 1 {
			order = append(order, how)
		}
	}
	if total == 0 {
		return
	}
	slices.SortStableFunc(order, func(a, b string) int { return counts[b] - counts[a] })
	why := ", because " + order[0]
	if len(order) > 1 {
		const most = 3
		var reasons []string
		others := total
		for _, how := range order[:min(most, len(order))] {
			reasons = append(reasons, fmt.Sprintf("%s because %s", times(counts[how]), how))
			others -= counts[how]
		}
		if others > 0 {
			reasons = append(reasons, times(others)+" for other reasons")
		}
		why = ": " + strings.Join(reasons, ", ")
	}
	e.say("In the last hour it was started again by itself %s%s%s; all of that: tend history %s", more, times(total), why, e.word)
}

// lastRun says how the last run ended, when, and whether anybody saw it.
func (e *explanation) lastRun() {
	st := e.State
	switch {
	case st.Exit == nil:
		return
	case !st.EndedAfter.IsZero():
		e.say("Its last run %s; it ended at an unknown moment between %s and %s", st.Exit, Moment(st.EndedAfter, e.now), Moment(st.Ended, e.now))
	case st.Exit.Fault != "":
		e.say("Its last run %s; it %s %s", st.Exit.Account(), st.Exit, e.since(st.Ended))
	default:
		e.say("Its last run %s %s", st.Exit, e.since(st.Ended))
	}
	e.away()
}

// away tells of the absence in which the last run ended, if it did in one.
func (e *explanation) away() {
	st := e.State
	if st.Exit == nil {
		return
	}
	away, found := AwayAt(e.Absences, st.EndedAfter, st.Ended)
	if !found {
		return
	}
	e.say("Supervision was %s; the run ended in that time", away.When(e.now))
}

// AwayAt returns the absence in which something ended: at that time, or at an unknown moment after the first, where that is
// not zero. An absence on purpose does not count: nothing was to be supervised.
func AwayAt(absences []Absence, after, at time.Time) (Absence, bool) {
	for _, a := range slices.Backward(absences) {
		if a.Cause.OnPurpose() {
			continue
		}
		if after.IsZero() && a.Contains(at) || !after.IsZero() && (a.Contains(after) || a.From.Equal(after)) {
			return a, true
		}
	}
	return Absence{}, false
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

// pids is "process 5 lives" or "processes 5 and 6 live".
func pids(numbers []int) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = fmt.Sprint(n)
	}
	if len(words) == 1 {
		return "process " + words[0] + " lives"
	}
	return "processes " + strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1] + " live"
}
