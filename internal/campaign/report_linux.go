package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"tend/internal/fault"
)

// report is what came of a campaign. Its exported fields are its JSON.
type report struct {
	mu      sync.Mutex
	verbose bool
	begun   time.Time

	Seed       uint64
	Without    string         `json:",omitempty"`
	Services   int            // at a time, without those that come and go
	Blows      map[string]int // how often which of our processes were killed at once
	Points     map[fault.Point]int
	NotReached map[fault.Point]int `json:",omitempty"` // waited for in vain, so often
	Kills      int                 // all of them, each process that was killed counted
	Runs       int                 // of services, judged
	Commands   int
	Lines      int // checked
	Served     int // connections, to services that were handed a socket
	Checks     int // of everything
	Unknowable int // exits of which nobody could tell: every keeper was dead, and the supervisor
	Recovered  times
	After      map[string]times // the same, by what was killed
	Revived    times
	Seconds    float64
	Violations []string
	recovered  []time.Duration // supervision answers again, after the kill
	after      map[string][]time.Duration
	revived    []time.Duration // the next command answers, after all were killed
	lasted     time.Duration
	unloaded   bool // nobody was to connect
}

// times are how long something took, milliseconds.
type times struct {
	Count            int
	Median, P99, Max float64
}

func (t times) String() string {
	return fmt.Sprintf("median %.1f ms, 99 %%: %.1f ms, longest %.1f ms (%d times)", t.Median, t.P99, t.Max, t.Count)
}

func newReport(p plan) *report {
	return &report{
		verbose: p.verbose, begun: time.Now(), Seed: p.seed, Without: p.without, Services: p.services,
		Blows: map[string]int{}, Points: map[fault.Point]int{}, NotReached: map[fault.Point]int{}, Violations: []string{},
	}
}

func (r *report) locked(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

func (r *report) count(what *int, n int) { r.locked(func() { *what += n }) }

// back notes how long supervision was away after a kill of who is named.
func (r *report) back(killed string, took time.Duration) {
	r.locked(func() {
		r.recovered = append(r.recovered, took)
		if r.after == nil {
			r.after = map[string][]time.Duration{}
		}
		r.after[killed] = append(r.after[killed], took)
	})
}

func (r *report) measure(what *[]time.Duration, took time.Duration) {
	r.locked(func() { *what = append(*what, took) })
}

// blow counts processes that were killed together.
func (r *report) blow(name string, victims int) {
	r.locked(func() { r.Blows[name]++; r.Kills += victims })
}

func (r *report) struck(p fault.Point) { r.locked(func() { r.Points[p]++; r.Kills++ }) }

func (r *report) missed(p fault.Point) { r.locked(func() { r.NotReached[p]++ }) }

func (r *report) hasMissed(p fault.Point) (missed bool) {
	r.locked(func() { missed = r.NotReached[p] > 0 })
	return missed
}

func (r *report) killed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Kills
}

// violate takes note of something that must not be.
func (r *report) violate(format string, args ...any) {
	r.locked(func() {
		text := fmt.Sprintf("%s (%.3f s) ", clock(time.Now()), time.Since(r.begun).Seconds()) + fmt.Sprintf(format, args...)
		r.Violations = append(r.Violations, text)
		if len(r.Violations) <= mostShown {
			fmt.Fprintln(os.Stderr, "VIOLATION", text)
		}
	})
}

// mostShown is how many violations are shown.
const mostShown = 200

func summary(all []time.Duration) times {
	if len(all) == 0 {
		return times{}
	}
	sorted := slices.Sorted(slices.Values(all))
	at := func(percent int) float64 { return milliseconds(sorted[min(len(sorted)-1, len(sorted)*percent/100)]) }
	return times{len(all), at(50), at(99), milliseconds(sorted[len(sorted)-1])}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// full is how many kills make a campaign that comes to every point.
const full = 2000

// close adds up. A campaign in which nothing was seen has shown nothing; nor has a full one that did not come to every point.
func (r *report) close(full bool) {
	r.Recovered, r.Revived, r.Seconds = summary(r.recovered), summary(r.revived), r.lasted.Seconds()
	r.After = map[string]times{}
	for name, took := range r.after {
		r.After[name] = summary(took)
	}
	for what, n := range map[string]int{
		"kills": r.Kills, "runs": r.Runs, "commands": r.Commands, "lines": r.Lines, "connections": r.Served, "checks of everything": r.Checks, "measured recoveries": r.Recovered.Count,
	} {
		if n == 0 && (what != "connections" || !r.unloaded) {
			r.violate("there were no %s", what)
		}
	}
	if points := r.unreached(); full && len(points) > 0 {
		r.violate("nothing has died at %v", points)
	}
}

// progress says how far the campaign is, if somebody wants to know.
func (r *report) progress() {
	if !r.verbose {
		return
	}
	r.locked(func() {
		fmt.Fprintf(os.Stderr, "campaign: %.0f s: %d kills, %d runs judged, %d commands, %d lines, %d points not reached, %d violations\n",
			time.Since(r.begun).Seconds(), r.Kills, r.Runs, r.Commands, r.Lines, len(r.unreached()), len(r.Violations))
	})
}

// unreached are the points that nothing has died at.
func (r *report) unreached() (points []fault.Point) {
	for _, p := range fault.Points() {
		if r.Points[p] == 0 && !elsewhere(p) {
			points = append(points, p)
		}
	}
	return points
}

// print prints the table.
func (r *report) print(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name string, value any) { fmt.Fprintf(t, "%s\t%v\n", name, value) }
	row("seed", r.Seed)
	if r.Without != "" {
		row("without", r.Without)
	}
	row("kills", fmt.Sprintf("%d in %.0f s", r.Kills, r.Seconds))
	for _, name := range slices.Sorted(maps.Keys(r.Blows)) {
		row("  "+name, r.Blows[name])
	}
	for _, p := range slices.Sorted(maps.Keys(r.Points)) {
		row("  at "+string(p), r.Points[p])
	}
	row("services", r.Services)
	row("runs", fmt.Sprintf("%d judged; of %d exits nobody could know", r.Runs, r.Unknowable))
	row("commands", r.Commands)
	row("lines", r.Lines)
	row("connections", r.Served)
	row("checks of everything", r.Checks)
	for _, m := range []struct {
		name string
		times
	}{{"supervision is back", r.Recovered}, {"all dead: the next command", r.Revived}} {
		row(m.name, m.times)
	}
	for _, name := range slices.Sorted(maps.Keys(r.After)) {
		row("  back after "+name, r.After[name])
	}
	if points := r.unreached(); len(points) > 0 {
		row("points not reached", fmt.Sprint(points))
	}
	row("violations", len(r.Violations))
	t.Flush()
}

// write writes the report as JSON.
func (r *report) write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
