package tend_test

import (
	"encoding/json"
	"maps"
	"testing"
	"time"

	"tend"
)

func TestRedacted(t *testing.T) {
	env := map[string]string{
		"PATH": "/bin", "PORT": "8000", "PWD": "/srv", "URL": "http://example.org/a@b:c", "MAIL": "ann@example.org:x", "EMPTY_TOKEN": "",
		"DB_PASSWORD": "x", "mysql_pwd": "x", "Api_Key": "x", "AWS_SECRET_ACCESS": "x", "SESSION_COOKIE": "x", "DATABASE_URL": "x", "SENTRY_DSN": "x",
		"REDIS": "redis://:hush@localhost:6379/0", "BROKER": "amqp://ann:hush@host", "GIT": "ssh://git@host/x",
	}
	want := maps.Clone(env)
	for _, name := range []string{"EMPTY_TOKEN", "DB_PASSWORD", "mysql_pwd", "Api_Key", "AWS_SECRET_ACCESS", "SESSION_COOKIE", "DATABASE_URL", "SENTRY_DSN", "REDIS", "BROKER"} {
		want[name] = tend.Blot
	}
	s := tend.Service{Settings: tend.Settings{Environment: env}}
	before := maps.Clone(env)
	got := s.Redacted().Environment
	for name := range env {
		if got[name] != want[name] {
			t.Errorf("%s=%s is shown as %q", name, env[name], got[name])
		}
	}
	if !maps.Equal(env, before) || len(got) != len(env) {
		t.Error("the definition itself was changed, or a variable was lost")
	}
}

func TestNewStatus(t *testing.T) {
	service := tend.Service{Name: "web", CommandLine: "web", Settings: tend.Settings{Environment: map[string]string{"TOKEN": "hush"}}}
	state := tend.State{
		Phase: tend.PhaseRunning, Wanted: true, Since: epoch, Run: "r1", Main: tend.Identity{PID: 101, Start: 1}, Begun: true,
		Started: epoch, Failures: 3, Restarts: 5, Exit: &tend.Exit{Code: 3}, Ended: epoch.Add(-time.Minute),
	}
	v := tend.NewStatus(service, state, "/logs/web.log", epoch.Add(5*time.Second))
	if v.Name != "web" || v.State != tend.PhaseRunning || v.PID != 101 || v.Uptime != 5 || !v.StartedAt.Equal(epoch) || v.Failures != 3 ||
		v.Restarts != 5 || v.LastExit.Code != 3 || v.Log != "/logs/web.log" || !v.NextTry.IsZero() || v.Definition.Environment["TOKEN"] != tend.Blot ||
		v.Definition.Restart != tend.DefaultRestart {
		t.Errorf("%+v", v)
	}
	if v := tend.NewStatus(service, state, "", epoch.Add(10*time.Second)); v.Failures != 0 || v.Restarts != 5 {
		t.Errorf("it is healthy, and has failures: %+v", v)
	}
	if v := tend.NewStatus(service, state, "", epoch.Add(-time.Hour)); v.Uptime != 0 {
		t.Errorf("the clock was set back: %+v", v)
	}

	state = tend.State{Phase: tend.PhaseBackoff, Next: epoch.Add(time.Minute), Begun: true, Started: epoch, Failures: 3}
	if v := tend.NewStatus(service, state, "", epoch.Add(time.Hour)); !v.NextTry.Equal(state.Next) || v.Uptime != 0 || !v.StartedAt.IsZero() || v.Failures != 3 {
		t.Errorf("a pause: %+v", v)
	}
	if v := tend.NewStatus(service, tend.State{}, "", epoch); v.State != tend.PhaseStopped {
		t.Errorf("never started: %+v", v)
	}
}

func TestOutput(t *testing.T) {
	for stdout, want := range map[string]string{"": "/own.log", "/dev/null": "", "/tmp/out": "/tmp/out"} {
		if got := (tend.Service{Stdout: stdout}).Output("/own.log"); got != want {
			t.Errorf("%q: %q", stdout, got)
		}
	}
}

// TestStatusAsJSON pins the shape that scripts rely on.
func TestStatusAsJSON(t *testing.T) {
	data, err := json.Marshal(tend.NewStatus(tend.Service{Name: "web", CommandLine: "web", WorkingDirectory: "/"}, tend.State{}, "", epoch))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"name":"web","state":"stopped","wanted":false,"uptime_seconds":0,"restarts":0,"failures":0,"definition":` +
		`{"name":"web","command_line":"web","working_directory":"/","stdin":"","stdout":"","stderr":"",` +
		`"umask":"077","restart":"on-failure","backoff":"100ms..1m","healthy_after":"10s","stop":"TERM/10/KILL/5","log_max":"10MB","log_keep":5,"log_age":"30d","log_format":"plain","ready":"alive:250ms","ready_timeout":"1m","stop_command_timeout":"30s","instances":1}}`
	if string(data) != want {
		t.Errorf("got\n%s, want\n%s", data, want)
	}
}

// TestRedactedChecks: a password in the address of a check is nobody's business.
func TestRedactedChecks(t *testing.T) {
	for text, want := range map[string]string{
		"http://ann:hush@localhost:8000/health?a=b@c status=200": "http://ann:***@localhost:8000/health?a=b@c status=200",
		"http://ann:hu:sh@h/":       "http://ann:***@h/",
		"http://ann@h/":             "http://ann@h/",
		"http://h:80/a:b@c":         "http://h:80/a:b@c",
		"command:true # a:b@c://d/": "command:true # a:b@c://d/",
	} {
		c, err := tend.ParseCheck(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		s := tend.Service{Settings: tend.Settings{Ready: c, Health: c}}.Redacted()
		if s.Ready.String() != want || s.Health.String() != want {
			t.Errorf("%s is shown as %s and %s", text, s.Ready, s.Health)
		}
	}
}
