package tend

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Service is the definition of one service: what to run and how. It holds no state. A field's zero value means its
// default where the table in option.go gives one; WithDefaults fills them all in.
type Service struct {
	Name             string `json:"name"`
	CommandLine      string `json:"command_line"`      // shell words; no shell runs unless Shell
	WorkingDirectory string `json:"working_directory"` // absolute
	Stdin            string `json:"stdin"`             // "" is /dev/null
	Stdout           string `json:"stdout"`            // "" is the service's own log
	Stderr           string `json:"stderr"`            // "" is wherever stdout goes
	Settings

	Copy int `json:"-"` // which of its copies this is, and Name is that copy's: see Copies

	// Broken says why the row of the service cannot be read as a definition, nil if it can. Such a service is shown,
	// stopped and removed like any other; what would need its settings is refused with this.
	Broken *Error `json:"-"`
}

// Settings are the parts of a definition that the 2008 script did not have. They are stored as one JSON document that
// holds only what was set, so a row written by the script, or by hand, is a whole definition.
type Settings struct {
	Description     string            `json:"description,omitempty"`
	Tags            []string          `json:"tags,omitempty"`
	Shell           bool              `json:"shell,omitempty"`            // run by /bin/sh -c
	Environment     map[string]string `json:"environment,omitempty"`      // all of the service's environment but the TEND_ variables
	EnvironmentFile []string          `json:"environment_file,omitempty"` // absolute, with - before one that may be missing; read at every start
	Umask           *Umask            `json:"umask,omitempty"`            // nil: 077
	Restart         Restart           `json:"restart,omitempty"`
	SuccessCodes    []int             `json:"success_codes,omitempty"` // besides 0
	Backoff         Backoff           `json:"backoff,omitzero"`        // pause before the second restart in a row, and the longest pause
	HealthyAfter    Duration          `json:"healthy_after,omitempty"` // up that long: failures count from zero again
	GiveUpAfter     int               `json:"give_up_after,omitempty"` // failures in a row; 0: never
	Stop            StopSchedule      `json:"stop,omitempty"`
	LogMax          Size              `json:"log_max,omitempty"`  // a longer log is archived
	LogKeep         int               `json:"log_keep,omitempty"` // archives; KeepAll: all
	LogAge          Age               `json:"log_age,omitempty"`  // what is older is removed
	LogFormat       LogFormat         `json:"log_format,omitempty"`
	LogTo           string            `json:"log_to,omitempty"`      // where a copy goes; "": nowhere
	Reload          string            `json:"reload,omitempty"`      // a signal, or command:COMMAND; "": DefaultReload
	OnEvent         []string          `json:"on_event,omitempty"`    // commands and addresses: see ParseHook
	EventKinds      []string          `json:"event_kinds,omitempty"` // none: DefaultEventKinds
	Watch           []string          `json:"watch,omitempty"`       // patterns for files: see Glob; a change of one restarts it

	Ready        Check    `json:"ready,omitzero"`
	ReadyTimeout Duration `json:"ready_timeout,omitempty"`

	Health         Check    `json:"health,omitzero"`
	HealthInterval Duration `json:"health_interval,omitempty"`
	HealthTimeout  Duration `json:"health_timeout,omitempty"`  // of one check, readiness checks included
	HealthFailures int      `json:"health_failures,omitempty"` // in a row, before it is restarted

	Requires []string `json:"requires,omitempty"` // started and ready first, and their failure is its own
	Wants    []string `json:"wants,omitempty"`    // tried first
	After    []string `json:"after,omitempty"`    // only in this order

	StopCommand        string   `json:"stop_command,omitempty"` // for /bin/sh -c, before the first signal
	StopCommandTimeout Duration `json:"stop_command_timeout,omitempty"`

	Limits       map[string]string `json:"limits,omitempty"` // NAME → what ParseLimit reads
	Nice         *int              `json:"nice,omitempty"`   // nil: as tend itself
	IONice       string            `json:"ionice,omitempty"` // what ParseIONice reads; "": by the niceness
	CPUs         string            `json:"cpus,omitempty"`   // what ParseCPUs reads; "": all
	OOMScoreAdj  *int              `json:"oom_score_adj,omitempty"`
	MemoryMax    Size              `json:"memory_max,omitempty"`    // of the whole tree, bytes; 0: as much as there is
	MemoryAction MemoryAction      `json:"memory_action,omitempty"` // what is done when it has more

	Schedule        string   `json:"schedule,omitempty"` // it is a job, that runs at those times
	Timezone        string   `json:"timezone,omitempty"` // of the schedules; "": see Zone
	Overlap         Overlap  `json:"overlap,omitempty"`
	Missed          Missed   `json:"missed,omitempty"`
	RestartSchedule string   `json:"restart_schedule,omitempty"`
	Expires         Duration `json:"expires,omitempty"` // stopped that long after somebody started it; 0: never

	Instances int      `json:"instances,omitempty"` // how many copies run
	Listen    []string `json:"listen,omitempty"`    // the sockets that all of them share: see Listen
	FDStore   int      `json:"fd_store,omitempty"`  // descriptors that are kept for it over restarts; 0: none
}

// Depends reports whether there are others that it waits for before a run.
func (s Service) Depends() bool { return len(s.Requires)+len(s.Wants)+len(s.After) > 0 }

// readyWithin is how long a start waits before something follows from it; 0: for ever.
func (s Service) readyWithin() Duration {
	if s.Ready.Kind == CheckAlive {
		return s.Ready.After
	}
	return s.ReadyTimeout
}

// Defaults of a definition, as the manual states them.
const (
	DefaultRestart            = RestartOnFailure
	DefaultBackoffMin         = Duration(100 * time.Millisecond)
	DefaultBackoffMax         = Duration(time.Minute)
	DefaultHealthyAfter       = Duration(10 * time.Second)
	DefaultReadyAlive         = Duration(250 * time.Millisecond)
	DefaultUmask              = Umask(0o077)
	DefaultLogMax             = Size(10e6)
	MinLogMax                 = Size(64 << 10) // with less, a service that writes would be archived all the time
	DefaultLogKeep            = 5
	DefaultLogAge             = Age(30 * day)
	DefaultLogFormat          = LogPlain
	DefaultJobRestart         = RestartNo // of a service with a schedule
	DefaultOverlap            = OverlapSkip
	DefaultStopCommandTimeout = Duration(30 * time.Second)
	DefaultMissed             = MissedSkip
	MaxNameLength             = 100 // bytes; with it a log's file name stays below NAME_MAX
)

// DefaultStop is TERM/10/KILL/5.
var DefaultStop = StopSchedule{
	{Signal: "TERM", Wait: Duration(10 * time.Second)},
	{Signal: "KILL", Wait: Duration(5 * time.Second)},
}

// WithDefaults returns the definition with every unset setting at its default.
func (s Service) WithDefaults() Service {
	if s.Restart == "" {
		s.Restart = DefaultRestart
		if s.Schedule != "" {
			s.Restart = DefaultJobRestart
		}
	}
	if s.Backoff.Min == 0 {
		s.Backoff.Min = DefaultBackoffMin
	}
	if s.Backoff.Max == 0 {
		s.Backoff.Max = max(DefaultBackoffMax, s.Backoff.Min)
	}
	if s.HealthyAfter == 0 {
		s.HealthyAfter = DefaultHealthyAfter
	}
	if s.Ready.Kind == "" {
		s.Ready = Check{Kind: CheckAlive, After: DefaultReadyAlive}
	}
	if s.ReadyTimeout == 0 && s.Ready.Kind != CheckExit {
		s.ReadyTimeout = DefaultReadyTimeout
	}
	if s.Health.Kind != "" {
		s = s.withHealthDefaults()
	}
	if s.StopCommandTimeout == 0 {
		s.StopCommandTimeout = DefaultStopCommandTimeout
	}
	if len(s.Stop) == 0 {
		s.Stop = DefaultStop
	}
	if s.Umask == nil {
		u := DefaultUmask
		s.Umask = &u
	}
	if s.LogMax == 0 {
		s.LogMax = DefaultLogMax
		if s.Stdout != "" {
			s.LogMax = NoSize
		}
	}
	if s.LogKeep == 0 {
		s.LogKeep = DefaultLogKeep
	}
	if s.LogAge == 0 {
		s.LogAge = DefaultLogAge
	}
	if s.LogFormat == "" {
		s.LogFormat = DefaultLogFormat
	}
	if s.Overlap == "" && s.Schedule != "" {
		s.Overlap = DefaultOverlap
	}
	if s.Missed == "" && s.Schedule != "" {
		s.Missed = DefaultMissed
	}
	if s.Instances == 0 {
		s.Instances = 1
	}
	if s.MemoryAction == "" && s.MemoryMax > 0 {
		s.MemoryAction = DefaultMemoryAction
	}
	return s
}

// Success reports whether a run that ended so ended well.
func (s Service) Success(e Exit) bool {
	if e.Unknown || e.Signal != "" || e.Lost != "" || e.Error != "" || e.Fault != "" {
		return false
	}
	return e.Code == 0 || slices.Contains(s.SuccessCodes, e.Code)
}

// healthy reports whether a run that was up so long clears the failures before it. One that did not outlive the
// shortest pause never does, whatever HealthyAfter says: each of its failures would be the first, and the first restart
// is at once.
func (s Service) healthy(up time.Duration) bool {
	return up >= time.Duration(max(s.HealthyAfter, s.Backoff.Min))
}

// CheckName says what is wrong with the name of a new service, nil if nothing is. Names that exist already, from the
// 2008 script for instance, are never checked: they go on working.
func CheckName(name string) error {
	bad := func(why string) error {
		return Errorf(CodeUsage, "the name %q %s", name, why).WithHint("choose another, for example %q", suggestName(name))
	}
	switch {
	case name == "":
		return bad("is empty")
	case len(name) > MaxNameLength:
		return Errorf(CodeUsage, "the name is %d bytes long, %d are allowed", len(name), MaxNameLength)
	case !utf8.ValidString(name):
		return bad("is not valid UTF-8")
	case name == "." || name == "..":
		return bad("means a directory")
	case strings.TrimSpace(name) != name:
		return bad("begins or ends with a blank")
	case name[0] == '-':
		return bad("begins like an option")
	case strings.Contains(name, "@"): // @TAG means all that have the tag, NAME@0 is the first copy of NAME
		return bad("has an @ in it")
	}
	for _, r := range name {
		switch {
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			return bad("has a control character in it")
		case r == '/':
			return bad("has a slash in it")
		case strings.ContainsRune(`*?[]\`, r):
			return bad("has a pattern character in it")
		}
	}
	return nil
}

// suggestName makes a name that CheckName accepts from one that it does not.
func suggestName(name string) string {
	out := strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '.' || r == '_' || r == '-') {
			return r
		}
		return '-'
	}, name)
	out = strings.Trim(out, "-.")
	if out == "" {
		return "web"
	}
	return out[:min(len(out), MaxNameLength)]
}
