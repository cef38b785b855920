package tend

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// limitOptions are the rows of Options about what a service is given and may not go beyond.
func limitOptions() []Option {
	return []Option{
		{Key: "limits", Flag: "limit", Arg: "NAME=VALUE", Repeat: true, Default: "those that tend was started with",
			Help: "what it may use: nofile=4096, core=0, as=2GB, nproc=100:200 …",
			Detail: "The names are " + strings.Join(LimitNames(), ", ") + "; as, core, data, fsize, memlock, msgqueue, rss and stack are sizes, cpu is a time, and unlimited is no limit. " +
				"One value is for both limits of setrlimit(2); of SOFT:HARD the first holds, and it may raise that to the second. Each process that it starts has the same. " +
				"Only root may have more than the hard limits that tend was started with.",
			Access: Access{setLimit, getLimits}},
		{Key: "nice", Flag: "nice", Arg: "N", Default: "that of tend itself",
			Help: "how much it gives way to others: -20 (not at all) to 19", Detail: "To be less nice than tend itself is for root, and for whom RLIMIT_NICE allows it.",
			Access: number(func(s *Service) **int { return &s.Nice }, -20, 19, "niceness")},
		{Key: "ionice", Flag: "ionice", Arg: "CLASS", Default: "by its niceness", Values: []string{"idle", "best-effort", "realtime"},
			Help: "in which order it reads and writes: idle, best-effort[:0-7] or realtime[:0-7]", Detail: "Level 0 is served first; without a level it is 4. The realtime class is for root. Not every disk scheduler heeds it.",
			Access: text(func(s *Service) *string { return &s.IONice }, canonicalIONice)},
		{Key: "cpus", Flag: "cpus", Arg: "LIST", Default: "all",
			Help: "the processors that it may run on: 0,2-3", Detail: "They are counted from 0.",
			Access: text(func(s *Service) *string { return &s.CPUs }, canonicalCPUs)},
		{Key: "oom_score_adj", Flag: "oom-score-adj", Arg: "N", Default: "that of tend itself",
			Help: "how soon the kernel ends it when memory runs out: -1000 (never) to 1000", Detail: "Less than tend itself has is for root.",
			Access: number(func(s *Service) **int { return &s.OOMScoreAdj }, -1000, 1000, "score for when memory runs out")},
		{Key: "memory_max", Flag: "memory-max", Arg: "SIZE", Default: "never",
			Help:   "how much memory it and all that it starts may have together",
			Detail: "At least " + MinMemoryMax.String() + ". Where tend has a cgroup of its own with the memory controller the kernel sees to it; elsewhere tend looks every 2s, and what processes share is counted once. See docs/limits.md.",
			Access: Access{setMemoryMax, getMemoryMax}},
		{Key: "memory_action", Flag: "memory-action", Arg: "ACTION", Default: string(DefaultMemoryAction), Values: []string{"restart", "stop", "warn"},
			Help: "what is done when it has more: restart, stop or warn", Detail: "restart counts as a failure, so its restart policy goes on from there; stop does not start it again; warn writes it into its history and into nothing else.",
			Access: parsed(func(s *Service) *MemoryAction { return &s.MemoryAction }, ParseMemoryAction)},
	}
}

func setLimit(s *Service, value string, _ Caller) error {
	name, text, given := strings.Cut(value, "=")
	if !given {
		return fmt.Errorf("%q is not a limit (NAME=VALUE or NAME=SOFT:HARD, for example nofile=4096)", value)
	}
	l, err := ParseLimit(name, text)
	if err != nil {
		return err
	}
	limits := maps.Clone(s.Limits)
	if limits == nil {
		limits = map[string]string{}
	}
	limits[name] = l.Text(name)
	s.Limits = limits
	return nil
}

func getLimits(s Service) []string {
	var entries []string
	for _, name := range slices.Sorted(maps.Keys(s.Limits)) {
		entries = append(entries, name+"="+s.Limits[name])
	}
	return entries
}

// number accesses an integer that may be unset, of which 0 is a value like any other.
func number(field func(*Service) **int, least, most int, what string) Access {
	set := func(s *Service, value string, _ Caller) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < least || n > most {
			return fmt.Errorf("%q is not a %s (a number from %d to %d)", value, what, least, most)
		}
		*field(s) = &n
		return nil
	}
	get := func(s Service) []string {
		if n := *field(&s); n != nil {
			return []string{strconv.Itoa(*n)}
		}
		return nil
	}
	return Access{set, get}
}

func canonicalCPUs(value string, _ Caller) (string, error) {
	cpus, err := ParseCPUs(value)
	return CPUList(cpus), err
}

func setMemoryMax(s *Service, value string, _ Caller) error {
	size, err := ParseSize(value)
	switch {
	case err != nil:
		return err
	case size == NoSize:
		size = 0
	case size < MinMemoryMax:
		return fmt.Errorf("%q is too little memory for anything (at least %s, or never)", value, MinMemoryMax)
	}
	s.MemoryMax = size
	return nil
}

func getMemoryMax(s Service) []string {
	if s.MemoryMax <= 0 {
		return nil
	}
	return []string{s.MemoryMax.String()}
}
