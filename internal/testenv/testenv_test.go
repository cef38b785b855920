package testenv

import (
	"strings"
	"testing"
)

// judge is a test that is told what to do and remembers it.
type judge struct {
	testing.TB
	skipped, failed string
}

func (j *judge) Helper()        {}
func (j *judge) Skip(a ...any)  { j.skipped = a[0].(string) }
func (j *judge) Fatal(a ...any) { j.failed = a[0].(string) }

func TestNeed(t *testing.T) {
	t.Setenv("TEND_CI", "")
	{
		j := &judge{}
		Need(j, "sh", "no-such-program-a", "no-such-program-b")
		if j.failed != "" || j.skipped != "not installed: no-such-program-a, no-such-program-b" {
			t.Errorf("outside CI: %+v", j)
		}
	}
	{
		j := &judge{}
		Need(j, "sh")
		if j.failed != "" || j.skipped != "" {
			t.Errorf("nothing is missing: %+v", j)
		}
	}
	t.Setenv("TEND_CI", "1")
	{
		j := &judge{}
		Need(j, "no-such-program")
		if j.skipped != "" || !strings.Contains(j.failed, "no-such-program") {
			t.Errorf("in CI: %+v", j)
		}
	}
}
