package tend_test

import (
	"strings"
	"testing"

	"tend"
)

func TestMoot(t *testing.T) {
	for _, c := range []struct{ settings, moot string }{
		{"", ""},
		{"overlap=queue missed=run timezone=UTC", "timezone overlap missed"},
		{"schedule=@daily overlap=queue missed=run timezone=UTC give_up_after=3", ""},
		{"restart_schedule=@daily timezone=UTC", ""},
		{"schedule=@every_1h timezone=UTC", "timezone"},
		{"restart_schedule=@every_1h timezone=UTC", "timezone"},
		{"schedule=@hourly restart_schedule=@daily watch=*.py restart=always backoff=1s..2s", "restart restart_schedule watch"},
		{"schedule=@hourly backoff=1s..2s healthy_after=1m", "backoff healthy_after"},
		{"schedule=@hourly restart=on-failure backoff=1s..2s healthy_after=1m expires=2h health=tcp:80 instances=3", ""},
		{"restart=no backoff=1s..2s healthy_after=1m give_up_after=3", "backoff healthy_after give_up_after"},
		{"ready=exit restart=always", "ready"},
		{"ready=exit health=tcp:80 healthy_after=1m restart_schedule=@daily ready_timeout=1m", "healthy_after health restart_schedule"},
		{"ready_timeout=1m", "ready_timeout"},
		{"ready=notify ready_timeout=1m health_timeout=1s", "health_timeout"},
		{"ready=tcp:80 health_timeout=1s health_interval=1s health_failures=2", "health_interval health_failures"},
		{"health=notify:30s health_interval=1s health_failures=2", "health_interval health_failures"},
		{"memory_action=warn stop_command_timeout=1s event_kinds=ready", "stop_command_timeout event_kinds memory_action"},
		{"memory_max=1GB memory_action=warn stop_command=true stop_command_timeout=1s event_kinds=ready on_event=true", ""},
	} {
		s := tend.Service{Name: "web", CommandLine: "web"}
		for _, word := range strings.Fields(c.settings) {
			key, value, _ := strings.Cut(strings.ReplaceAll(word, "_1h", " 1h"), "=")
			if err := tend.FindOption(key).Set(&s, value, tend.Caller{}); err != nil {
				t.Fatal(err)
			}
		}
		var keys []string
		for _, m := range s.Moot() {
			keys = append(keys, m.Key)
		}
		if got := strings.Join(keys, " "); got != c.moot {
			t.Errorf("%s: %q has no effect, should be %q", c.settings, got, c.moot)
		}
	}
}
