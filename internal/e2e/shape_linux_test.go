package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// shape lists the keys of a JSON document with the kinds of their values, in the order of the alphabet.
func shape(v any, at string) []string {
	switch v := v.(type) {
	case map[string]any:
		var lines []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			lines = append(lines, shape(v[key], strings.TrimPrefix(at+"."+key, "."))...)
		}
		return lines
	case []any:
		if len(v) == 0 {
			return []string{at + "[] empty"}
		}
		return shape(v[0], at+"[]")
	}
	return []string{fmt.Sprintf("%s %T", at, v)}
}

// What --json holds is a contract: fields are only ever added.
func TestShapeOfJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tend("run", "--restart", "no", "--env", "K=v", "--success-codes", "3", "--give-up-after", "2", "--tag", "t", "--description", "d",
		"-i", "/dev/null", "-o", "out", "-e", "err", "bad", "--", "sh", "-c", "exit 1").is(1)
	w.tend("run", "--backoff", "1h", "again", "--", "sh", "-c", "exit 1").is(1)
	w.up("web", "--", "sleep", "1000")
	for name, want := range map[string]string{
		"web": `version float64
services[].definition.backoff string
services[].definition.command_line string
services[].definition.environment.HOME string
services[].definition.environment.LANG string
services[].definition.environment.PATH string
services[].definition.healthy_after string
services[].definition.instances float64
services[].definition.log_age string
services[].definition.log_format string
services[].definition.log_keep float64
services[].definition.log_max string
services[].definition.name string
services[].definition.ready string
services[].definition.ready_timeout string
services[].definition.restart string
services[].definition.stderr string
services[].definition.stdin string
services[].definition.stdout string
services[].definition.stop string
services[].definition.stop_command_timeout string
services[].definition.umask string
services[].definition.working_directory string
services[].failures float64
services[].log string
services[].name string
services[].pid float64
services[].restarts float64
services[].run string
services[].since string
services[].started_at string
services[].state string
services[].uptime_seconds float64
services[].wanted bool`,
		"bad": `version float64
services[].definition.backoff string
services[].definition.command_line string
services[].definition.description string
services[].definition.environment.HOME string
services[].definition.environment.K string
services[].definition.environment.LANG string
services[].definition.environment.PATH string
services[].definition.give_up_after float64
services[].definition.healthy_after string
services[].definition.instances float64
services[].definition.log_age string
services[].definition.log_format string
services[].definition.log_keep float64
services[].definition.log_max string
services[].definition.name string
services[].definition.ready string
services[].definition.ready_timeout string
services[].definition.restart string
services[].definition.stderr string
services[].definition.stdin string
services[].definition.stdout string
services[].definition.stop string
services[].definition.stop_command_timeout string
services[].definition.success_codes[] float64
services[].definition.tags[] string
services[].definition.umask string
services[].definition.working_directory string
services[].failures float64
services[].last_end string
services[].last_exit.code float64
services[].log string
services[].name string
services[].reason string
services[].restarts float64
services[].run string
services[].since string
services[].state string
services[].uptime_seconds float64
services[].wanted bool`,
	} {
		for _, command := range []string{"list", "status"} {
			got := w.document(command, "--json", name)
			lines := strings.Split(want, "\n")
			slices.Sort(lines)
			if shape := shape(got, ""); !slices.Equal(shape, lines) {
				t.Errorf("%s of %s is\n%s\nnot\n%s", command, name, strings.Join(shape, "\n"), strings.Join(lines, "\n"))
			}
			if got["version"] != 1.0 {
				t.Errorf("the version is %v", got["version"])
			}
		}
	}
	if s := w.status("again"); s.NextTry.IsZero() {
		t.Errorf("no next_try in %+v", s)
	}
	if names := shape(w.document("list", "--json", "again"), ""); !slices.Contains(names, "services[].next_try string") {
		t.Errorf("%q", names)
	}
	w.tend("remove", "--stop", "--all").ok()
	if got := w.document("list", "--json"); !slices.Equal(shape(got, ""), []string{"services[] empty", "version float64"}) {
		t.Errorf("an empty list is %v", got)
	}
}

// document is what a command answers in JSON.
func (w *world) document(args ...string) (v map[string]any) {
	w.t.Helper()
	r := w.tend(args...)
	if err := json.Unmarshal([]byte(r.stdout), &v); err != nil {
		w.t.Fatalf("%v: %s", err, r)
	}
	return v
}
