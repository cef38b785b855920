package supervisor

import (
	"strings"
	"testing"
)

// On a full disk a line can only take the place of others.
func TestReplaceEldest(t *testing.T) {
	for _, c := range []struct{ list, ours, want string }{
		{"1 2\n3 4\n5 6\n", "7 8\n", "3 4\n5 6\n7 8\n"},
		{"1 2\n3 4\n5 6\n", "100 200\n", "5 6\n100 200\n"},
		{"1 2\n3 4\n5 6\n", "10 20\n", "5 6\n10 20\n\n\n"},
		{"100 200\n3 4\n", "5 6\n", "3 4\n5 6\n\n\n\n\n"},
		{"", "5 6\n", "5 6\n"},
		{"1 2\n", "100 200\n", "100 200\n"},
	} {
		got := string(replaceEldest([]byte(c.list), c.ours))
		if strings.TrimRight(got, "\n") != strings.TrimRight(c.want, "\n") || len(got) != max(len(c.list), len(c.ours)) {
			t.Errorf("%q and %q: %q", c.list, c.ours, got)
		}
	}
}
