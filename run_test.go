package tend_test

import (
	"testing"

	"tend"
)

func TestSameHost(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"laptop/3d1219c7", "laptop/3d1219c7", true},
		{"laptop/3d1219c7", "dhcp-7.example/3d1219c7", true},
		{"localhost/3d1219c7", "localhost/aaaaaaaa", false},
		{"node", "node", true},
		{"node", "other", false},
		{"node", "node/3d1219c7", false},
		{"3fa/container", "9bc/container", true},
	} {
		if got := (tend.Place{Host: test.a, Boot: "1"}).SameHost(tend.Place{Host: test.b, Boot: "2"}); got != test.want {
			t.Errorf("%s and %s: %v", test.a, test.b, got)
		}
	}
}
