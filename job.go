package tend

import (
	"fmt"
	"time"
)

// A job is a service with a schedule: it runs at those times, and between them it is scheduled, without a process.

// Overlap says what becomes of a time at which the job still runs.
type Overlap string

// What becomes of such a time.
const (
	OverlapSkip    Overlap = "skip"    // it is left out
	OverlapQueue   Overlap = "queue"   // the job runs again as soon as it has ended, once however many times have come
	OverlapReplace Overlap = "replace" // the run is stopped, and the job begins anew
)

// ParseOverlap reads what becomes of a time at which the job still runs.
func ParseOverlap(text string) (Overlap, error) {
	switch o := Overlap(text); o {
	case OverlapSkip, OverlapQueue, OverlapReplace:
		return o, nil
	}
	return "", fmt.Errorf("%q is not what a job does when its time comes while it still runs (skip, queue or replace)", text)
}

// String makes Overlap a fmt.Stringer.
func (o Overlap) String() string { return string(o) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *Overlap) UnmarshalText(text []byte) (err error) {
	*o, err = ParseOverlap(string(text))
	return err
}

// Missed says what becomes of a time that went by while nobody was there to begin the run: the host was off or asleep,
// or tend was away.
type Missed string

// What becomes of such a time.
const (
	MissedSkip Missed = "skip" // nothing, unless it is no older than MissedGrace
	MissedRun  Missed = "run"  // the job runs as soon as possible, once however many times have gone by
)

// MissedGrace is how late a job may begin and still be in time.
const MissedGrace = time.Minute

// ParseMissed reads what becomes of a time that went by.
func ParseMissed(text string) (Missed, error) {
	switch m := Missed(text); m {
	case MissedSkip, MissedRun:
		return m, nil
	}
	return "", fmt.Errorf("%q is not what becomes of a time that was missed (skip or run)", text)
}

// String makes Missed a fmt.Stringer.
func (m Missed) String() string { return string(m) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Missed) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMissed(string(text))
	return err
}

// canonical accesses an option whose value is a text that is kept in its canonical form.
func canonical(field func(*Service) *string, parse func(string) (string, error)) Access {
	return text(field, func(value string, _ Caller) (string, error) { return parse(value) })
}

var (
	scheduleOption = Option{Key: "schedule", Flag: "schedule", Arg: "CRON", Default: "none: it runs all the time", Live: true,
		Help:   "make it a job that runs at those times",
		Detail: "Five fields as in a crontab (minute, hour, day of the month, month, day of the week), @hourly, @daily, @weekly, @monthly, @yearly, or @every TIME. A job is not restarted unless --restart says so. See docs/jobs.md.",
		Access: canonical(func(s *Service) *string { return &s.Schedule }, ParseSchedule)}
	timezoneOption = Option{Key: "timezone", Flag: "timezone", Arg: "ZONE", Default: "TZ of its environment, else that of the host", Live: true,
		Help:   "the time zone of its schedules: Area/City, UTC, or Local for that of the host",
		Access: canonical(func(s *Service) *string { return &s.Timezone }, ParseTimezone)}
	overlapOption = Option{Key: "overlap", Flag: "overlap", Arg: "WHAT", Default: string(DefaultOverlap), Values: []string{"skip", "queue", "replace"}, Live: true,
		Help:   "when its time comes while the job still runs: skip that time, queue one run, or replace the one that runs",
		Access: parsed(func(s *Service) *Overlap { return &s.Overlap }, ParseOverlap)}
	missedOption = Option{Key: "missed", Flag: "missed", Arg: "WHAT", Default: string(DefaultMissed), Values: []string{"skip", "run"}, Live: true,
		Help: "when its time went by and nobody was there: skip it, or run once as soon as possible", Detail: "Up to a minute late is in time.",
		Access: parsed(func(s *Service) *Missed { return &s.Missed }, ParseMissed)}
	restartScheduleOption = Option{Key: "restart_schedule", Flag: "restart-schedule", Arg: "CRON", Default: "none", Live: true,
		Help: "when to restart the service, if it runs", Detail: "Written as schedule is. A time that was missed is left out.",
		Access: canonical(func(s *Service) *string { return &s.RestartSchedule }, ParseSchedule)}
	expiresOption = Option{Key: "expires", Flag: "expires", Arg: "TIME", Default: "never",
		Help:   "stop it by itself that long after somebody started it",
		Access: parsed(func(s *Service) *Duration { return &s.Expires }, parsePositive)}
)
