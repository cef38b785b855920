package cli

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"tend"
	"tend/logs"
)

// timeline places a log in time. It is made of moments at which the length of the log is known: what stands before that
// length was written earlier, what stands behind it later.
type timeline []landmark

// landmark is a moment at which a log was so long.
type landmark struct {
	offset int64
	at     time.Time
	exact  bool // what stands before it was written just then
}

// placed says when a line was written: between after and at. Either is zero if it is not known.
type placed struct {
	after, at time.Time
	exact     bool // at is known to a hundredth of a second
}

// shown is the time that stands before the line, and by which it is sorted.
func (p placed) shown() time.Time {
	if p.at.IsZero() {
		return p.after
	}
	return p.at
}

// clockwork is how far apart marks are where every write is marked; see package logs.
const clockwork = 20 * time.Millisecond

// newTimeline merges marks with the starts and ends of runs. Every write since precise was marked, none if that is zero.
func newTimeline(marks []logs.Mark, spans []span, precise time.Time) timeline {
	var t timeline
	for i, m := range marks {
		exact := !precise.IsZero() && m.At.After(precise) || i > 0 && m.At.Sub(marks[i-1].At).Abs() <= clockwork
		t = append(t, landmark{m.Offset, m.At, exact})
	}
	for _, s := range spans {
		t = append(t, landmark{offset: s.from, at: s.run.StartedAt})
		if !s.run.EndedAt.IsZero() {
			t = append(t, landmark{offset: s.to, at: s.run.EndedAt})
		}
	}
	slices.SortStableFunc(t, func(a, b landmark) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), a.at.Compare(b.at))
	})
	return t
}

// until adds the moment at which the last byte was written, unless it is known already.
func (t timeline) until(end int64, written time.Time) timeline {
	if len(t) == 0 || t[len(t)-1].offset < end {
		t = append(t, landmark{offset: end, at: written})
	}
	return t
}

// place says when what stands at the offset was written.
func (t timeline) place(offset int64) placed {
	i := sort.Search(len(t), func(i int) bool { return t[i].offset > offset })
	var p placed
	if i > 0 {
		p.after = t[i-1].at
	}
	if i < len(t) {
		p.at, p.exact = t[i].at, t[i].exact
	}
	return p
}

// from is where the text begins that is shown with that time or a later one.
func (t timeline) from(since time.Time) int64 {
	i := slices.IndexFunc(t, func(l landmark) bool { return !l.at.Before(since) })
	switch {
	case i < 0 && len(t) > 0: // whatever comes after the last one may be later
		return t[len(t)-1].offset
	case i <= 0:
		return 0
	}
	return t[i-1].offset
}

// to is where the text ends that is shown with that time or an earlier one; end is where the log does.
func (t timeline) to(until time.Time, end int64) int64 {
	for i, l := range slices.Backward(t) {
		if !l.at.After(until) {
			if i == len(t)-1 {
				return end
			}
			return l.offset
		}
	}
	if len(t) == 0 {
		return end
	}
	return 0
}

// span is what a run wrote: the text of its log from one offset to another.
type span struct {
	run      tend.Run
	from, to int64
	gone     bool // the log of that time was another, which is no more
}

// spans places runs, the newest first, in their log, which ends at end. A run that never came to write is empty.
func spans(runs []tend.Run, end int64) []span {
	placed := make([]span, 0, len(runs))
	gone := false
	for _, run := range runs {
		s := span{run: run, from: run.LogOffset, to: end}
		if run.PID == 0 { // it was not executed, or not yet
			s.from = end
		}
		if gone = gone || s.from > end; gone {
			s = span{run: run, gone: true}
		}
		placed = append(placed, s)
		end = s.from
	}
	return placed
}
