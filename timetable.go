package tend

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
)

// timetable is the five fields of a crontab line, each as the set of the numbers that it allows, one bit a number. As in
// every cron, a day must be in both sets of days where one of the fields begins with a star, and in either of them
// otherwise.
type timetable struct {
	minutes, hours, days, months, weekdays uint64
	bothDays                               bool
}

// timeField is what a field may hold.
type timeField struct {
	noun     string
	min, max int
	names    []string // of min and those that follow
}

func timeFields() [5]timeField {
	return [5]timeField{
		{noun: "minute", max: 59},
		{noun: "hour", max: 23},
		{noun: "day of the month", min: 1, max: 31},
		{noun: "month", min: 1, max: 12, names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
		{noun: "day of the week", max: 7, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}}, // 7 is Sunday as well
	}
}

// parseTimetable reads the five fields, in lower case.
func parseTimetable(text string) (timetable, error) {
	words := strings.Fields(text)
	if len(words) != 5 {
		return timetable{}, fmt.Errorf("it has %s instead of 5 (%s)", fieldCount(len(words)), scheduleForms)
	}
	var sets [5]uint64
	for i, field := range timeFields() {
		set, err := field.parse(words[i])
		if err != nil {
			return timetable{}, err
		}
		sets[i] = set
	}
	weekdays := sets[4]&^(1<<7) | sets[4]>>7&1
	both := words[2][0] == '*' || words[4][0] == '*'
	return timetable{sets[0], sets[1], sets[2], sets[3], weekdays, both}, nil
}

func fieldCount(n int) string {
	if n == 1 {
		return "1 field"
	}
	return strconv.Itoa(n) + " fields"
}

// parse reads a list of numbers, names, ranges and steps.
func (f timeField) parse(text string) (uint64, error) {
	var set uint64
	for part := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		lowText, highText, ranged := strings.Cut(span, "-")
		low, high, step, ok := f.min, f.max, 1, true
		switch {
		case span == "*" && f.names != nil && f.min == 0:
			high = f.max - 1 // Sunday once
		case span == "*":
		case ranged:
			var okHigh bool
			low, ok = f.number(lowText)
			high, okHigh = f.number(highText)
			if okHigh && high == 0 && f.max == 7 && low > 0 {
				high = 7 // sat-sun
			}
			ok = ok && okHigh && low <= high
		default:
			low, ok = f.number(lowText)
			high = low
			ok = ok && !stepped
		}
		if stepped && ok {
			n, err := strconv.Atoi(stepText)
			step, ok = n, err == nil && n >= 1 && n <= f.max && stepText[0] != '+'
		}
		if !ok {
			return 0, f.wrong(part)
		}
		for n := low; n <= high; n += step {
			set |= 1 << n
		}
	}
	return set, nil
}

func (f timeField) number(text string) (int, bool) {
	if i := slices.Index(f.names, text); i >= 0 {
		return f.min + i, true
	}
	n, err := strconv.ParseUint(text, 10, 8)
	return int(n), err == nil && int(n) >= f.min && int(n) <= f.max
}

func (f timeField) wrong(part string) error {
	allowed := fmt.Sprintf("%d to %d", f.min, f.max)
	if f.names != nil {
		allowed += fmt.Sprintf(" or %s to %s", f.names[0], f.names[len(f.names)-1])
	}
	return fmt.Errorf("its %s is %q (allowed: *, %s, lists as 1,3, ranges as 1-5, steps as */2 and 1-5/2)", f.noun, part, allowed)
}

// everyHour reports whether all hours of a day are allowed, however that was written.
func (t timetable) everyHour() bool { return bits.OnesCount64(t.hours) == 24 }

func (t timetable) onDay(day time.Time) bool {
	inMonth := t.days&(1<<day.Day()) != 0
	inWeek := t.weekdays&(1<<int(day.Weekday())) != 0
	if t.bothDays {
		return inMonth && inWeek
	}
	return inMonth || inWeek
}

// lookAhead is for how many years a timetable is looked at: one weekday and 29 February meet within 40.
const lookAhead = 48

// next is the first minute after the given one that the timetable allows, on a clock that never jumps: both are told in
// UTC, whatever clock is meant. Zero: never.
func (t timetable) next(after time.Time) time.Time {
	year, month, day := after.Date()
	date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	from := after.Hour()*60 + after.Minute() + 1 // minute of the first day
	for last := year + lookAhead; date.Year() <= last; from = 0 {
		if t.months&(1<<int(date.Month())) == 0 {
			date = time.Date(date.Year(), date.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			continue
		}
		if t.onDay(date) {
			if minute, ok := t.minuteOfDay(from); ok {
				return date.Add(time.Duration(minute) * time.Minute)
			}
		}
		date = date.AddDate(0, 0, 1)
	}
	return time.Time{}
}

// minuteOfDay is the first allowed minute of a day, counted from midnight, that is not before from.
func (t timetable) minuteOfDay(from int) (int, bool) {
	minute := from % 60
	for hour := from / 60; hour < 24; hour++ {
		if rest := t.minutes >> minute; t.hours&(1<<hour) != 0 && rest != 0 {
			return hour*60 + minute + bits.TrailingZeros64(rest), true
		}
		minute = 0
	}
	return 0, false
}
