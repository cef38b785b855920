package main

import (
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// A table collects the results and prints them at the end.
type table struct{ rows [][4]string }

func newTable() *table {
	return &table{rows: [][4]string{{"what", "tend", "against", "ratio"}}}
}

func (t *table) add(what, tend, against, ratio string) {
	t.rows = append(t.rows, [4]string{what, tend, against, ratio})
}

// compare adds a row of two durations and their ratio; wanted is the highest ratio that is wanted, 0 for none.
func (t *table) compare(what string, tend, limit time.Duration, limitName string, wanted float64) {
	ratio := fmt.Sprintf("%.2f", float64(tend)/float64(limit))
	if wanted > 0 {
		ratio += fmt.Sprintf(" (wanted: at most %g)", wanted)
	}
	t.add(what, ms(tend), limitName+": "+ms(limit), ratio)
}

func (t *table) print() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range t.rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", row[0], row[1], row[2], row[3])
	}
	check(w.Flush())
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond)) }

func median(d []time.Duration) time.Duration { return rank(d, 50) }

// rank returns the duration that so many percent are not longer than.
func rank(d []time.Duration, percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(d))
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}
