package tend_test

import (
	"reflect"
	"testing"

	"tend"
)

func TestOptionKinds(t *testing.T) {
	for key, want := range map[string]tend.Kind{
		"shell": tend.KindSwitch, "environment": tend.KindTable, "tags": tend.KindList, "success_codes": tend.KindCommas,
		"give_up_after": tend.KindNumber, "healthy_after": tend.KindAmount, "log_max": tend.KindAmount, "umask": tend.KindOctal,
		"restart": tend.KindText,
	} {
		if got := tend.FindOption(key).Kind(); got != want {
			t.Errorf("%s is %s, not %s", key, got, want)
		}
	}
	if tend.FindOption("nonsense") != nil {
		t.Error("there is an option nonsense")
	}
}

func TestUnset(t *testing.T) {
	mask := tend.Umask(0o22)
	full := tend.Service{Name: "web", CommandLine: "serve", WorkingDirectory: "/srv", Settings: tend.Settings{
		Environment: map[string]string{"A": "1", "B": "=2"}, Tags: []string{"x", "y"}, Umask: &mask, Restart: tend.RestartAlways}}
	for _, test := range []struct {
		key, entry string
		want       func(*tend.Service)
	}{
		{"restart", "", func(s *tend.Service) { s.Restart = "" }},
		{"umask", "", func(s *tend.Service) { s.Umask = nil }},
		{"tags", "", func(s *tend.Service) { s.Tags = nil }},
		{"tags", "x", func(s *tend.Service) { s.Tags = []string{"y"} }},
		{"environment", "B", func(s *tend.Service) { s.Environment = map[string]string{"A": "1"} }},
	} {
		got, want := full, full
		test.want(&want)
		if !tend.FindOption(test.key).Unset(&got, test.entry) || !reflect.DeepEqual(got, want) {
			t.Errorf("%s %s: %+v", test.key, test.entry, got)
		}
		if again := got; tend.FindOption(test.key).Unset(&again, test.entry) || !reflect.DeepEqual(again, got) {
			t.Errorf("%s %s can be unset twice", test.key, test.entry)
		}
	}
}
