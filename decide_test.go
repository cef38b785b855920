package tend_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tend"
)

var update = flag.Bool("update", false, "write what Decide does today into testdata/decide")

// TestDecide reads the stories in testdata/decide. Each begins with the settings of a service called web; then every
// line that begins with "at" is an event, and the indented lines below it are what Decide makes of it: the actions
// and, last, the state. See event in this file for the words.
func TestDecide(t *testing.T) {
	files, err := filepath.Glob("testdata/decide/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := tell(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			wantLines, gotLines := strings.Split(string(want), "\n"), strings.Split(got, "\n")
			for i, line := range gotLines {
				if i >= len(wantLines) || line != wantLines[i] {
					t.Fatalf("%s:%d: the story goes another way; all of it:\n%s", file, i+1, got)
				}
			}
			if len(gotLines) != len(wantLines) {
				t.Fatalf("%s: the story ends sooner; all of it:\n%s", file, got)
			}
		})
	}
}

// story is one service on its way through a transcript.
type story struct {
	t       *testing.T
	service tend.Service
	state   tend.State
	runs    int
}

// tell answers a transcript with the same transcript, its indented lines made anew.
func tell(t *testing.T, transcript string) string {
	t.Helper()
	st := &story{t: t, service: tend.Service{Name: "web", CommandLine: "web"}}
	var out strings.Builder
	for line := range strings.Lines(transcript) {
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, " "):
			continue
		case len(words) == 0 || words[0] == "#":
			out.WriteString(line)
		case words[0] == "set":
			out.WriteString(line)
			st.set(words[1], strings.Join(words[2:], " "))
		case line == "forget when it was ready\n":
			out.WriteString(line)
			st.state.ReadyAt = time.Time{}
		case words[0] == "at":
			out.WriteString(line)
			for _, reply := range st.happen(duration(t, words[1]), st.event(words[2:])) {
				out.WriteString("  " + reply + "\n")
			}
		default:
			t.Fatalf("what is %q?", line)
		}
	}
	return out.String()
}

func (st *story) set(key, value string) {
	for _, o := range tend.Options {
		if o.Key == key {
			if value == "" {
				o.Unset(&st.service, "")
			} else if err := o.Set(&st.service, value, tend.Caller{}); err != nil {
				st.t.Fatal(err)
			}
			return
		}
	}
	st.t.Fatalf("no such setting: %s", key)
}

// event reads the words of an event. "of r1" at its end names a run other than the present one.
func (st *story) event(words []string) tend.Event {
	run := st.state.Run
	if n := len(words); n > 2 && words[n-2] == "of" {
		run, words = words[n-1], words[:n-2]
	}
	text := strings.Join(words, " ")
	word, rest, _ := strings.Cut(text, " ")
	switch {
	case text == "start":
		return tend.StartRequested{}
	case text == "run":
		return tend.RunRequested{}
	case text == "stop":
		return tend.StopRequested{}
	case text == "stop, held":
		return tend.StopRequested{Hold: true}
	case text == "shutdown, held":
		return tend.StopRequested{KeepWanted: true, Hold: true}
	case text == "restart, held":
		return tend.RestartRequested{Hold: true}
	case text == "released":
		return tend.Released{}
	case text == "cleared":
		return tend.Cleared{}
	case word == "lacking":
		rest, hold := strings.CutSuffix(rest, ", held")
		return tend.Lacking{Name: rest, Why: "it requires " + rest + ", which failed", Hold: hold}
	case text == "ready":
		return tend.Ready{Run: run}
	case word == "faulted":
		why, stop := strings.CutSuffix(rest, ", for good")
		why, memory := strings.CutPrefix(why, "memory: ")
		return tend.Faulted{Run: run, Why: why, Stop: stop, Kind: map[bool]tend.NoteKind{true: tend.NoteMemory}[memory]}
	case word == "extended":
		return tend.Extended{Run: run, By: duration(st.t, rest)}
	case word == "main":
		return tend.MainChanged{Run: run, Main: st.identity(rest)}
	case word == "says":
		status, failure, _ := strings.Cut(rest, ", failed of ")
		return tend.Told{Run: run, Status: status, Failure: failure}
	case text == "forgiven":
		return tend.Forgiven{Run: run}
	case text == "stop command ended":
		return tend.StopCommandEnded{Run: run}
	case word == "renewed":
		return tend.Renewed{Cause: tend.CauseWatch, Why: rest}
	case word == "spared":
		return tend.Spared{Why: rest}
	case text == "tick, held":
		return tend.Tick{Hold: true}
	case text == "shutdown":
		return tend.StopRequested{KeepWanted: true}
	case text == "restart":
		return tend.RestartRequested{}
	case text == "resumed":
		return tend.Resumed{}
	case text == "resumed, held":
		return tend.Resumed{Hold: true}
	case text == "resumed after a reboot":
		return tend.Resumed{Rebooted: true}
	case text == "tick":
		return tend.Tick{}
	case word == "tick":
		return tend.Tick{Unready: rest}
	case text == "tree ended":
		return tend.TreeEnded{Run: run}
	case word == "spawned":
		return tend.Spawned{Run: run, Main: st.identity(rest)}
	case word == "cannot-spawn":
		message, temporary := strings.CutSuffix(rest, ", for now")
		return tend.SpawnFailed{Run: run, Message: message, Temporary: temporary}
	case word == "ended":
		how, left, _ := strings.Cut(rest, " left ")
		how, after, somewhen := strings.Cut(how, " after ")
		how, at, known := strings.Cut(how, " at ")
		e := tend.Ended{Run: run, Exit: st.exit(how)}
		if somewhen {
			e.After = epoch.Add(duration(st.t, after))
		}
		if known {
			e.At = epoch.Add(duration(st.t, at))
		}
		for _, pid := range strings.Fields(left) {
			e.Left = append(e.Left, st.identity(pid))
		}
		return e
	}
	st.t.Fatalf("no such event: %s", text)
	return nil
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (st *story) identity(pid string) tend.Identity {
	n, err := strconv.Atoi(pid)
	if err != nil {
		st.t.Fatal(err)
	}
	return tend.Identity{PID: n, Start: uint64(n) * 1000}
}

func (st *story) exit(how string) tend.Exit {
	word, rest, _ := strings.Cut(how, " ")
	switch word {
	case "code":
		n, err := strconv.Atoi(rest)
		if err != nil {
			st.t.Fatal(err)
		}
		return tend.Exit{Code: n}
	case "signal":
		return tend.Exit{Signal: rest}
	case "lost":
		return tend.Exit{Lost: "reboot"}
	case "unknown":
		return tend.Exit{Unknown: true}
	}
	st.t.Fatalf("no such end: %s", how)
	return tend.Exit{}
}

// epoch is the time 0s of the stories.
var epoch = time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)

// happen lets Decide decide, begins the runs that it wants, and describes all of it.
func (st *story) happen(at time.Duration, e tend.Event) []string {
	var actions []tend.Action
	st.state, actions = tend.Decide(st.service, st.state, e, epoch.Add(at))
	var lines []string
	for _, a := range actions {
		switch a := a.(type) {
		case tend.Spawn:
			st.runs++
			st.state.Run = fmt.Sprintf("r%d", st.runs)
			lines = append(lines, fmt.Sprintf("spawn %s, cause %s", st.state.Run, a.Cause))
		case tend.Signal:
			lines = append(lines, "send "+a.Signal)
		case tend.StopCommand:
			lines = append(lines, "run the stop command")
		case tend.Follow:
			lines = append(lines, fmt.Sprintf("follow %d", a.Main.PID))
		case tend.Note:
			line := fmt.Sprintf("note %s: %s", a.Kind, a.Text)
			if !a.At.IsZero() && !a.At.Equal(epoch.Add(at)) {
				line += ", at " + a.At.Sub(epoch).String()
			}
			lines = append(lines, line)
		}
	}
	return append(lines, describe(st.state))
}

// describe is one line with everything of the state that is not at its zero value.
func describe(s tend.State) string {
	line := "= " + string(s.Phase)
	say := func(when bool, format string, args ...any) {
		if when {
			line += ", " + fmt.Sprintf(format, args...)
		}
	}
	say(!s.Wanted, "not wanted")
	say(!s.Main.IsZero(), "main %d", s.Main.PID)
	say(!s.Next.IsZero(), "next at %s", s.Next.Sub(epoch))
	say(!s.Due.IsZero(), "due at %s", s.Due.Sub(epoch))
	say(!s.Expires.IsZero(), "expires at %s", s.Expires.Sub(epoch))
	say(s.Halting, "halting")
	say(s.Once, "once")
	say(s.Queued, "queued")
	say(s.Phase == tend.PhaseStopping, "step %d", s.StopStep)
	say(s.Then != "", "then %s", s.Then)
	say(s.ThenCause != "", "cause %s", s.ThenCause)
	say(s.Fault != "", "fault %q", s.Fault)
	say(s.Lacks != "", "lacks %s", s.Lacks)
	say(s.StatusText != "", "says %q", s.StatusText)
	say(s.Failures > 0, "failures %d", s.Failures)
	say(s.Restarts > 0, "restarts %d", s.Restarts)
	if !s.Phase.Live() && s.Exit != nil {
		say(true, "last %s", s.Exit.Account())
	}
	say(!s.Phase.Live() && !s.EndedAfter.IsZero(), "between %s and %s", s.EndedAfter.Sub(epoch), s.Ended.Sub(epoch))
	say(s.Expired, "expired")
	say(s.Reason != "", "because %q", s.Reason)
	return line
}
