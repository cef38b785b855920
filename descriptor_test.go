package tend_test

import (
	"strings"
	"testing"

	"tend"
)

func TestCheckDescriptors(t *testing.T) {
	for _, test := range []struct {
		ready  string
		listen int
		store  int
		hint   string // "": nothing is wrong
	}{
		{"fd:3", 0, 0, ""},
		{"fd:3", 1, 0, "from 3 to 3, by listen and fd_store; choose another: --ready fd:4"},
		{"fd:4", 1, 0, ""},
		{"fd:5", 1, 2, "--ready fd:6"},
		{"fd:6", 1, 2, ""},
		{"notify", 1, 2, ""},
	} {
		ready, err := tend.ParseReady(test.ready)
		if err != nil {
			t.Fatal(err)
		}
		s := tend.Service{Name: "web", Settings: tend.Settings{Ready: ready, FDStore: test.store}}
		for range test.listen {
			s.Listen = append(s.Listen, "tcp:8000")
		}
		err = s.CheckDescriptors()
		if (err != nil) != (test.hint != "") || err != nil && !strings.Contains(tend.AsError(err).Hint, test.hint) {
			t.Errorf("%+v: %v", test, err)
		}
	}
}
