package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tend"
)

// script is a supervisor that says what a test lets it say.
type script struct {
	news     []tend.Progress
	statuses []tend.Status
	errs     []error // of the first requests
	asked    []tend.Request
}

func (s *script) Statuses(context.Context, tend.Query) ([]tend.Status, error) { return s.statuses, nil }
func (s *script) Changed(context.Context) error                               { return nil }

func (s *script) Do(ctx context.Context, r tend.Request, report func(tend.Progress)) error {
	s.asked = append(s.asked, r)
	for _, p := range s.news {
		report(p)
	}
	if n := len(s.asked); n <= len(s.errs) {
		return s.errs[n-1]
	}
	return ctx.Err()
}

// with runs a command line against the supervisor, and returns all that it wrote and the exit status.
func with(t *testing.T, s *script, args ...string) (out string, status int) {
	t.Helper()
	var b bytes.Buffer
	t.Setenv("TEND_RUNTIME", t.TempDir())
	a := &App{
		Args: args, Environ: []string{"HOME=" + t.TempDir()}, Directory: func() (string, error) { return "/", nil },
		Stdin: strings.NewReader(""), Stdout: &b, Stderr: &b, Now: func() time.Time { return noon },
	}
	a.wire()
	a.client = func() (supervision, error) { return s, nil }
	status = a.Run(context.Background())
	return b.String(), status
}

// interleaved is what a supervisor says when three services are restarted at a time and each fares differently.
func interleaved() *script {
	failed := tend.Status{Name: "bad", State: tend.PhaseBackoff, NextTry: noon.Add(100 * time.Millisecond)}
	return &script{news: []tend.Progress{
		{Service: "web", Kind: tend.ProgressStopping},
		{Service: "bad", Kind: tend.ProgressStopping},
		{Service: "web", Kind: tend.ProgressSignal, Signal: "TERM", PID: 10},
		{Service: "stuck", Kind: tend.ProgressSignal, Signal: "TERM", PID: 20},
		{Service: "bad", Kind: tend.ProgressNotRunning},
		{Service: "stuck", Kind: tend.ProgressSignal, Signal: "KILL", PID: 20},
		{Service: "web", Kind: tend.ProgressStopped},
		{Service: "web", Kind: tend.ProgressStarting},
		{Service: "bad", Kind: tend.ProgressStarting},
		{Service: "bad", Kind: tend.ProgressFailed, Done: true, Error: tend.Errorf(tend.CodeFailed, "exited with status 3 before it was ready"),
			Status: &failed, Output: []string{"first", "\x1b[2Jsecond"}},
		{Service: "web", Kind: tend.ProgressStarted, Done: true},
		{Service: "stuck", Kind: tend.ProgressFailed, Done: true, Left: []int{20, 21}, Error: tend.Errorf(tend.CodeFailed, "stuck could not be stopped").WithHint("look at it: ps -fp 20,21")},
	}}
}

func TestProgressOfSeveral(t *testing.T) {
	out, status := with(t, interleaved(), "restart", "web", "bad", "stuck")
	look(t, "progress.txt", out)
	if status != 1 {
		t.Errorf("the exit status is %d", status)
	}
	out, _ = with(t, interleaved(), "restart", "--json", "--all")
	look(t, "progress.json", out)
}

// TestExitStatusOfSeveral: one that failed decides; where they failed differently, it is 1.
func TestExitStatusOfSeveral(t *testing.T) {
	news := func(code tend.Code) tend.Progress {
		return tend.Progress{Service: string(code), Kind: tend.ProgressFailed, Done: true, Error: tend.Errorf(code, "no")}
	}
	good := tend.Progress{Service: "good", Kind: tend.ProgressStarted, Done: true}
	for _, c := range []struct {
		news []tend.Progress
		want int
	}{
		{[]tend.Progress{good}, 0},
		{[]tend.Progress{news(tend.CodeConflict), good}, 5},
		{[]tend.Progress{news(tend.CodeConflict), news(tend.CodeFailed)}, 1},
		{[]tend.Progress{news(tend.CodeConflict), news(tend.CodeBusy)}, 1},
	} {
		if out, got := with(t, &script{news: c.news}, "start", "--all"); got != c.want {
			t.Errorf("%d, not %d\n%s", got, c.want, out)
		}
	}
}

// TestErrorsOfTheWhole: what concerns no single service is one message.
func TestErrorsOfTheWhole(t *testing.T) {
	s := &script{errs: []error{tend.Errorf(tend.CodeBusy, "everything is being stopped").WithHint("tend list")}}
	out, status := with(t, s, "start", "web")
	if status != 75 || out != "tend: everything is being stopped\n      try: tend list\n" {
		t.Errorf("%d: %s", status, out)
	}
	s = &script{errs: []error{errors.New("torn")}}
	if out, status = with(t, s, "start", "web"); status != 1 || out != "tend: torn\n" {
		t.Errorf("%d: %s", status, out)
	}
}
