package main

import (
	"fmt"
	"time"

	"tend"
)

// everySecond is how often the time of a job comes.
const everySecond = time.Second

// checkTimes checks that no time of a job was run twice. Its times are the whole seconds, and when one has come, the next one
// that is waited for is later than that moment: so no two runs begin in one second, however late they are. The latest of the runs
// come first.
func (s *service) checkTimes(rows []tend.Run) (wrong []string) {
	for i := 1; i < len(rows); i++ {
		later, earlier := rows[i-1], rows[i]
		if s.judged[later.ID] || later.Cause != tend.CauseSchedule || earlier.Cause != tend.CauseSchedule {
			continue
		}
		if !later.StartedAt.Truncate(everySecond).After(earlier.StartedAt.Truncate(everySecond)) {
			wrong = append(wrong, fmt.Sprintf("one time was run twice: by %s at %s, and by %s at %s", earlier.ID, clock(earlier.StartedAt), later.ID, clock(later.StartedAt)))
		}
	}
	return wrong
}
