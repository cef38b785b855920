package cli

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tend"
	"tend/logs"
)

func second(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }

func TestTimeline(t *testing.T) {
	runs := spans([]tend.Run{
		{ID: "b", LogOffset: 100, StartedAt: second(50), Identity: tend.Identity{PID: 2}},
		{ID: "a", LogOffset: 0, StartedAt: second(0), EndedAt: second(40), Identity: tend.Identity{PID: 1}},
	}, 200)
	line := newTimeline([]logs.Mark{{Offset: 10, At: second(10)}, {Offset: 60, At: second(20)}, {Offset: 150, At: second(60)}}, runs, time.Time{})
	line = line.until(200, second(70))
	for _, test := range []struct {
		offset    int64
		after, at int
	}{{0, 0, 10}, {9, 0, 10}, {10, 10, 20}, {60, 20, 40}, {99, 20, 40}, {100, 50, 60}, {149, 50, 60}, {150, 60, 70}, {199, 60, 70}} {
		if p := line.place(test.offset); !p.after.Equal(second(test.after)) || !p.at.Equal(second(test.at)) {
			t.Errorf("%d: between %v and %v", test.offset, p.after, p.at)
		}
	}
	for since, want := range map[int]int64{-1: 0, 0: 0, 5: 0, 10: 0, 11: 10, 20: 10, 21: 60, 40: 60, 45: 100, 60: 100, 61: 150, 70: 150, 71: 200} {
		if got := line.from(second(since)); got != want {
			t.Errorf("since %d: from %d, not %d", since, got, want)
		}
	}
	for until, want := range map[int]int64{-1: 0, 0: 0, 9: 0, 10: 10, 19: 10, 20: 60, 45: 100, 59: 100, 60: 150, 70: 200, 99: 200} {
		if got := line.to(second(until), 200); got != want {
			t.Errorf("until %d: to %d, not %d", until, got, want)
		}
	}
	var none timeline
	if p := none.place(5); !p.shown().IsZero() || none.from(noon) != 0 || none.to(noon, 7) != 7 {
		t.Errorf("nothing known: %v", p)
	}
}

// What --since and --until choose is what is shown with such a time.
func TestTimelineChoosesWhatItShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var marks []logs.Mark
		at, offset := 0, int64(0)
		for range rapid.IntRange(0, 6).Draw(t, "marks") {
			at += rapid.IntRange(0, 3).Draw(t, "seconds")
			offset += int64(rapid.IntRange(1, 3).Draw(t, "bytes"))
			marks = append(marks, logs.Mark{Offset: offset, At: second(at)})
		}
		end := offset + int64(rapid.IntRange(0, 3).Draw(t, "more"))
		line := newTimeline(marks, nil, time.Time{}).until(end, second(at+2))
		since, until := second(rapid.IntRange(-1, at+3).Draw(t, "since")), second(rapid.IntRange(-1, at+3).Draw(t, "until"))
		from, to := line.from(since), line.to(until, end)
		for o := range end {
			shown := line.place(o).shown()
			if in := !shown.Before(since); in != (o >= from) {
				t.Fatalf("%d is shown with %v, and since %v is from %d", o, shown, since, from)
			}
			if in := !shown.After(until); in != (o < to) {
				t.Fatalf("%d is shown with %v, and until %v is to %d", o, shown, until, to)
			}
		}
	})
}

func TestExactTimes(t *testing.T) {
	marks := []logs.Mark{{Offset: 10, At: second(0)}, {Offset: 20, At: second(0).Add(10 * time.Millisecond)}, {Offset: 30, At: second(9)}}
	for _, test := range []struct {
		precise time.Time
		want    []bool
	}{{time.Time{}, []bool{false, true, false}}, {second(-1), []bool{true, true, true}}, {second(5), []bool{false, true, true}}} {
		line := newTimeline(marks, nil, test.precise)
		got := []bool{line.place(5).exact, line.place(15).exact, line.place(25).exact}
		if !slices.Equal(got, test.want) {
			t.Errorf("precise since %v: %v", test.precise, got)
		}
	}
}

func TestSpans(t *testing.T) {
	run := func(id string, offset int64, pid int) tend.Run {
		return tend.Run{ID: id, LogOffset: offset, Identity: tend.Identity{PID: pid}}
	}
	found := spans([]tend.Run{run("starting", 0, 0), run("c", 80, 3), run("failed", 0, 0), run("b", 50, 2), run("a", 50, 1), run("old", 70, 9), run("older", 0, 8)}, 100)
	var got []string
	for _, s := range found {
		got = append(got, fmt.Sprint(s.run.ID, " ", s.from, "-", s.to, " ", s.gone))
	}
	want := []string{"starting 100-100 false", "c 80-100 false", "failed 80-80 false", "b 50-80 false", "a 50-50 false", "old 0-0 true", "older 0-0 true"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for offset, want := range map[int64]string{0: "", 49: "", 50: "b", 79: "b", 80: "c", 99: "c", 100: ""} {
		if got := wrote(found, offset); got != want {
			t.Errorf("%d was written by %q, not %q", offset, got, want)
		}
	}
}

func TestChooseRun(t *testing.T) {
	runs := []span{{run: tend.Run{ID: "cafe01"}}, {run: tend.Run{ID: "cafe02"}}, {run: tend.Run{ID: "17dead"}}}
	for word, want := range map[string]string{"1": "cafe01", "3": "17dead", "cafe02": "cafe02", "17dead": "17dead"} {
		if got, err := chooseRun("web", runs, word); err != nil || got.run.ID != want {
			t.Errorf("%s: %s, %v", word, got.run.ID, err)
		}
	}
	for word, want := range map[string]string{
		"0": `has had no run "0"`, "17": "there are only 3 runs of web", "4": "there are only 3 runs of web", "cafe": "the beginning of 2 runs", "nope": `has had no run "nope"`,
	} {
		if _, err := chooseRun("web", runs, word); err == nil || !contains(err, want) {
			t.Errorf("%s: %v", word, err)
		}
	}
	if _, err := chooseRun("web", nil, "1"); err == nil || !contains(err, "has not had a run yet") {
		t.Errorf("none: %v", err)
	}
}
