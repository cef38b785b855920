package supervisor_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tend"
)

// What is shown of a start that failed is what that run wrote: nothing of the runs before it, and nothing of the next one, which
// begins at once.
func TestTheOutputOfAFailedStartIsThatRuns(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.definition("broken", "-fail", "-code", "3")
	s.Ready = tend.Check{Kind: tend.CheckAlive, After: tend.Duration(5 * time.Second)}
	s.Backoff = tend.Backoff{Min: tend.Duration(time.Hour), Max: tend.Duration(time.Hour)}
	c.add(s)
	c.launch()
	for range 5 {
		before := len(c.noted("broken", "lives"))
		p := c.do(tend.CommandStart, "broken")["broken"]
		pid := c.noted("broken", "lives")[before]
		want := []string{fmt.Sprintf("one of %d", pid), fmt.Sprintf("two of %d", pid)}
		if p.Kind != tend.ProgressFailed || p.Error.Code != tend.CodeFailed || !slices.Equal(p.Output, want) {
			t.Errorf("start: %+v with output %q, should be %q", p, p.Output, want)
		}
		c.reaches("broken", tend.PhaseBackoff)
		c.lived("broken", before+2)
		c.do(tend.CommandStop, "broken")
	}
}
