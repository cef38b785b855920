package tend_test

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tend"
)

func TestParseDuration(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
		out  string // as String writes it, where that is another way
	}{
		{"0", 0, "0s"},
		{"10", 10 * time.Second, "10s"},
		{"0.5", 500 * time.Millisecond, "500ms"},
		{".5", 500 * time.Millisecond, "500ms"},
		{"1.001", 1001 * time.Millisecond, "1.001s"},
		{"250ms", 250 * time.Millisecond, ""},
		{"10s", 10 * time.Second, ""},
		{"60s", time.Minute, "1m"},
		{"90s", 90 * time.Second, "1m30s"},
		{"90m", 90 * time.Minute, ""},
		{"1h30m", 90 * time.Minute, "90m"},
		{"2h", 2 * time.Hour, ""},
		{"24h", 24 * time.Hour, "1d"},
		{"30d", 30 * 24 * time.Hour, ""},
		{"1.5d", 36 * time.Hour, "36h"},
		{"36500d", 36500 * 24 * time.Hour, ""},
		{"1ns", 1, ""},
	} {
		d, err := tend.ParseDuration(c.text)
		if err != nil || time.Duration(d) != c.want {
			t.Errorf("%s: %v, %v", c.text, time.Duration(d), err)
		}
		if c.out == "" {
			c.out = c.text
		}
		if d.String() != c.out {
			t.Errorf("%s is written as %s, not %s", c.text, d, c.out)
		}
	}
}

// TestBadSettings: every error names the value and says what is allowed.
func TestBadSettings(t *testing.T) {
	parsers := map[string]func(string) error{
		"duration":      func(s string) error { _, err := tend.ParseDuration(s); return err },
		"umask":         func(s string) error { _, err := tend.ParseUmask(s); return err },
		"restart":       func(s string) error { _, err := tend.ParseRestart(s); return err },
		"backoff":       func(s string) error { _, err := tend.ParseBackoff(s); return err },
		"stop schedule": func(s string) error { _, err := tend.ParseStopSchedule(s); return err },
		"signal":        func(s string) error { _, err := tend.ParseSignal(s); return err },
		"size":          func(s string) error { _, err := tend.ParseSize(s); return err },
		"age":           func(s string) error { _, err := tend.ParseAge(s); return err },
	}
	for _, c := range []struct {
		parser string
		says   string
		bad    []string
	}{
		{"duration", "for example 250ms, 10s", []string{"", "-1", "-1s", "1y", "d", "s", ".", "1d12h", "1h30d", "1e3", "0x10", "NaN", "Inf", "1 s", "١s", "10000000h"}},
		{"duration", "at most 36500d", []string{"36501d", "876001h", "3153600001", "99999d", "36500.1d"}},
		{"umask", "000 to 777", []string{"", "8", "1000", "-1", "0o22", "u=rwx", "99999999999999999999"}},
		{"restart", "no, on-failure or always", []string{"", "yes", "On-Failure", "never", "on_failure"}},
		{"backoff", "100ms..1m", []string{"", "..", "1s..", "..1s", "0..1s", "2s..1s", "1s...2s", "1s-2s", "0"}},
		{"stop schedule", "TERM/10/KILL/5", []string{"", "TERM", "TERM/10/KILL", strings.Repeat("TERM/1/", 33) + "TERM/1"}},
		{"stop schedule", "for example", []string{"TERM/", "/10", "FOO/10", "10/TERM", "TERM/x", "TERM/-1"}},
		{"size", "for example 64KiB, 10MB", []string{"", "MB", ".", "-1", "1 MB", "1e6", "0x10", "1.2.3", "10XB", "10BB", "10iB", "10MBB", "Inf", "NEVER", "١MB"}},
		{"size", "at most 1000TB", []string{"1001TB", "1000TiB", "99999999999999999999999"}},
		{"age", "for example", []string{"", "-1", "NEVER", "0"}},
		{"signal", "for example TERM", []string{"", "SIG", "9", "TERMINATE", "SIGSIGTERM", "RTMIN"}},
	} {
		for _, bad := range c.bad {
			err := parsers[c.parser](bad)
			if err == nil {
				t.Errorf("%q passes as a %s", bad, c.parser)
				continue
			}
			if !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), `"`) {
				t.Errorf("%s %q: %s", c.parser, bad, err)
			}
		}
	}
}

func TestParseSize(t *testing.T) {
	for _, c := range []struct {
		text string
		want tend.Size
		out  string // as String writes it, where that is another way
	}{
		{"512", 512, ""},
		{"1", 1, ""},
		{"10MB", 10_000_000, ""},
		{"10mb", 10_000_000, "10MB"},
		{"10M", 10_000_000, "10MB"},
		{"10MiB", 10 << 20, ""},
		{"10Mi", 10 << 20, "10MiB"},
		{"64KiB", 65536, ""},
		{"64kb", 64_000, "64kB"},
		{"65536B", 65536, "64KiB"},
		{"1.5GB", 1_500_000_000, "1500MB"},
		{"1.5GiB", 3 << 29, "1536MiB"},
		{"0.5KiB", 512, "512"},
		{"1000TB", 1_000_000_000_000_000, ""},
		{"2TiB", 2 << 40, ""},
		{"0.1B", 1, "1"},
		{"0", tend.NoSize, "never"},
		{"0.0MB", tend.NoSize, "never"},
		{"never", tend.NoSize, ""},
	} {
		size, err := tend.ParseSize(c.text)
		if err != nil || size != c.want {
			t.Errorf("%s: %d, %v", c.text, size, err)
		}
		if c.out == "" {
			c.out = c.text
		}
		if size.String() != c.out {
			t.Errorf("%s is written as %s, not %s", c.text, size, c.out)
		}
	}
}

// TestLogLimits: what never means to a definition is no limit to whoever rotates, and a file that somebody named has limits
// only if its size is given.
func TestLogLimits(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		what  string
		s     tend.Settings
		named bool
		want  tend.LogLimits
	}{
		{"an own log", tend.Settings{}, false, tend.LogLimits{Max: 10e6, Keep: 5, Age: 30 * day}},
		{"a named file", tend.Settings{LogKeep: 3, LogAge: 1}, true, tend.LogLimits{}},
		{"a named file with a size", tend.Settings{LogMax: 1e6}, true, tend.LogLimits{Max: 1e6, Keep: 5, Age: 30 * day}},
		{"no limit at all", tend.Settings{LogMax: tend.NoSize, LogKeep: tend.KeepAll, LogAge: tend.NoAge}, false, tend.LogLimits{}},
	} {
		s := tend.Service{Stdout: "/srv/web.log", Settings: c.s}
		if got := s.LogLimits(c.named); got != c.want {
			t.Errorf("%s: %+v", c.what, got)
		}
	}
}

func TestParseSignal(t *testing.T) {
	for text, want := range map[string]string{"TERM": "TERM", "term": "TERM", "SIGTERM": "TERM", "sigKill": "KILL", "usr1": "USR1"} {
		if got, err := tend.ParseSignal(text); got != want || err != nil {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

func TestStopSchedule(t *testing.T) {
	const ms = tend.Duration(time.Millisecond)
	for _, c := range []struct {
		text, out string
		want      tend.StopSchedule
	}{
		{"TERM/10/KILL/5", "", tend.DefaultStop},
		{"sigterm/10s/kill/5000ms", "TERM/10/KILL/5", tend.DefaultStop},
		{"KILL/0", "", tend.StopSchedule{{Signal: "KILL"}}},
		{"QUIT/2m/KILL/1.5", "QUIT/120/KILL/1.5", tend.StopSchedule{{Signal: "QUIT", Wait: 120_000 * ms}, {Signal: "KILL", Wait: 1500 * ms}}},
		{"INT/100us", "INT/100µs", tend.StopSchedule{{Signal: "INT", Wait: ms / 10}}},
		{"TERM/0.5/TERM/0.5/TERM/0.5/TERM/0.5/TERM/0.5/KILL/0.5", "", tend.StopSchedule{ // the 2008 script's way
			{Signal: "TERM", Wait: 500 * ms}, {Signal: "TERM", Wait: 500 * ms}, {Signal: "TERM", Wait: 500 * ms},
			{Signal: "TERM", Wait: 500 * ms}, {Signal: "TERM", Wait: 500 * ms}, {Signal: "KILL", Wait: 500 * ms}}},
	} {
		got, err := tend.ParseStopSchedule(c.text)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", c.text, got, err)
		}
		if c.out == "" {
			c.out = c.text
		}
		if got.String() != c.out {
			t.Errorf("%s is written as %s", c.text, got)
		}
	}
}

// Generators of settings, for this file and others.
var (
	anyDuration = rapid.Custom(func(t *rapid.T) tend.Duration {
		unit := rapid.SampledFrom([]time.Duration{1, time.Microsecond, time.Millisecond, time.Second, time.Minute, time.Hour, 24 * time.Hour}).Draw(t, "unit")
		return tend.Duration(time.Duration(rapid.Int64Range(1, int64(36500*24*time.Hour/unit)).Draw(t, "units")) * unit)
	})
	anyBackoff = rapid.Custom(func(t *rapid.T) tend.Backoff {
		a, b := anyDuration.Draw(t, "min"), anyDuration.Draw(t, "max")
		return tend.Backoff{Min: min(a, b), Max: max(a, b)}
	})
	anySignal   = rapid.SampledFrom([]string{"TERM", "INT", "QUIT", "HUP", "USR1", "KILL"})
	anySchedule = rapid.Custom(func(t *rapid.T) tend.StopSchedule {
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) tend.StopStep {
			return tend.StopStep{Signal: anySignal.Draw(t, "signal"), Wait: anyDuration.Draw(t, "wait")}
		}), 1, 32).Draw(t, "stop")
	})
	anyUmask = rapid.Custom(func(t *rapid.T) tend.Umask { return tend.Umask(rapid.Uint32Range(0, 0o777).Draw(t, "umask")) })
	anySize  = rapid.OneOf(rapid.Just(tend.NoSize), rapid.Custom(func(t *rapid.T) tend.Size {
		unit := rapid.SampledFrom([]int64{1, 1e3, 1 << 10, 1e6, 1 << 20, 1e9, 1 << 30, 1e12}).Draw(t, "unit")
		return tend.Size(max(1<<16, rapid.Int64Range(1, 1e15/unit).Draw(t, "units")*unit))
	}))
	anyAge = rapid.OneOf(rapid.Just(tend.NoAge), rapid.Custom(func(t *rapid.T) tend.Age {
		return tend.Age(max(tend.Duration(time.Hour), anyDuration.Draw(t, "age")))
	}))
	anyRestart = rapid.SampledFrom([]tend.Restart{tend.RestartNo, tend.RestartOnFailure, tend.RestartAlways})
)

// TestSettingsAreText: what is written as text is read back as the same value.
func TestSettingsAreText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		roundTrip(t, anyDuration.Draw(t, "duration"), new(tend.Duration))
		roundTrip(t, anyUmask.Draw(t, "umask"), new(tend.Umask))
		roundTrip(t, anyBackoff.Draw(t, "backoff"), new(tend.Backoff))
		roundTrip(t, tend.Check{Kind: tend.CheckAlive, After: anyDuration.Draw(t, "ready")}, new(tend.Check))
		roundTrip(t, anySchedule.Draw(t, "stop"), new(tend.StopSchedule))
		roundTrip(t, anySize.Draw(t, "size"), new(tend.Size))
		roundTrip(t, anyAge.Draw(t, "age"), new(tend.Age))
	})
}

func roundTrip[T encoding.TextMarshaler, P interface {
	*T
	encoding.TextUnmarshaler
}](t *rapid.T, value T, back P) {
	text, err := value.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if err := back.UnmarshalText(text); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(value, *back) {
		t.Fatalf("%v is written as %s and read as %v", value, text, *back)
	}
}

var anySettings = rapid.Custom(func(t *rapid.T) tend.Settings {
	s := tend.Settings{
		Description:  rapid.String().Draw(t, "description"),
		Tags:         rapid.SampledFrom([][]string{nil, {"shop"}, {"a", "b"}}).Draw(t, "tags"),
		Shell:        rapid.Bool().Draw(t, "shell"),
		Environment:  rapid.SampledFrom([]map[string]string{nil, {"A": "", "B": "x=\n\"y\""}}).Draw(t, "environment"),
		SuccessCodes: rapid.SampledFrom([][]int{nil, {1}, {3, 255}}).Draw(t, "success codes"),
		GiveUpAfter:  rapid.IntRange(0, 10).Draw(t, "give up after"),
	}
	s.EnvironmentFile = rapid.SampledFrom([][]string{nil, {"/srv/.env", "-/srv/local.env"}}).Draw(t, "environment files")
	s.Watch = rapid.SampledFrom([][]string{nil, {"src", "**/*.py"}}).Draw(t, "watch")
	s.Reload = rapid.SampledFrom([]string{"", "USR1", "command:./reload"}).Draw(t, "reload")
	s.OnEvent = rapid.SampledFrom([][]string{nil, {"./hook", "https://h/x"}}).Draw(t, "hooks")
	s.EventKinds = rapid.SampledFrom([][]string{nil, {"ready", "failed"}}).Draw(t, "event kinds")
	given := func(what string) bool { return rapid.Bool().Draw(t, what+" given") }
	if given("umask") {
		u := anyUmask.Draw(t, "umask")
		s.Umask = &u
	}
	if given("restart") {
		s.Restart = anyRestart.Draw(t, "restart")
	}
	if given("backoff") {
		s.Backoff = anyBackoff.Draw(t, "backoff")
	}
	if given("healthy") {
		s.HealthyAfter = anyDuration.Draw(t, "healthy after")
	}
	if given("ready") {
		s.Ready = tend.Check{Kind: tend.CheckAlive, After: anyDuration.Draw(t, "ready")}
	}
	if given("log max") {
		s.LogMax = anySize.Draw(t, "log max")
	}
	if given("log keep") {
		s.LogKeep = rapid.SampledFrom([]int{1, 20, tend.KeepAll}).Draw(t, "log keep")
	}
	if given("log age") {
		s.LogAge = anyAge.Draw(t, "log age")
	}
	if given("log format") {
		s.LogFormat = rapid.SampledFrom([]tend.LogFormat{tend.LogPlain, tend.LogTime}).Draw(t, "log format")
	}
	if given("limits") {
		s.Limits = rapid.SampledFrom([]map[string]string{{"nofile": "4096"}, {"as": "1GB:unlimited", "core": "0"}}).Draw(t, "limits")
		n := rapid.IntRange(-20, 19).Draw(t, "nice")
		s.Nice, s.OOMScoreAdj = &n, &n
		s.IONice = rapid.SampledFrom([]string{"", "idle", "best-effort:7"}).Draw(t, "ionice")
		s.CPUs = rapid.SampledFrom([]string{"", "0", "0,2-3"}).Draw(t, "cpus")
	}
	if given("memory") {
		s.MemoryMax = rapid.SampledFrom([]tend.Size{0, 1 << 20, 5e8}).Draw(t, "memory")
		s.MemoryAction = rapid.SampledFrom([]tend.MemoryAction{"", tend.MemoryRestart, tend.MemoryStop, tend.MemoryWarn}).Draw(t, "memory action")
	}
	if given("log to") {
		s.LogTo = rapid.SampledFrom([]string{"syslog", "command:logger"}).Draw(t, "log to")
	}
	if given("stop") {
		s.Stop = anySchedule.Draw(t, "stop")
	}
	return s
})

func TestSettingsAsJSON(t *testing.T) {
	if data, err := json.Marshal(tend.Settings{}); string(data) != "{}" || err != nil {
		t.Errorf("settings of which none is set: %s, %v", data, err)
	}
	var null tend.Settings
	if err := json.Unmarshal([]byte(`{"stop": null, "umask": null, "restart": null, "backoff": null, "ready": null, "tags": null}`), &null); err != nil || !reflect.DeepEqual(null, tend.Settings{}) {
		t.Errorf("null is not unset: %+v, %v", null, err)
	}
	for _, bad := range []string{`{"stop": "TERM"}`, `{"umask": "999"}`, `{"restart": "yes"}`, `{"backoff": "1"}x`, `{"ready": "soon"}`, `{"healthy_after": 5}`} {
		var s tend.Settings
		if err := json.Unmarshal([]byte(bad), &s); err == nil {
			t.Errorf("%s is read as %+v", bad, s)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := anySettings.Draw(t, "settings")
		service := tend.Service{Name: "web", CommandLine: "web", Settings: s}
		data, err := json.Marshal(service)
		if err != nil {
			t.Fatal(err)
		}
		var back tend.Service
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if !reflect.DeepEqual(service, back) {
			t.Fatalf("%+v is read back as %+v from %s", service, back, data)
		}
	})
}
