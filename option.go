package tend

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Option is one key of a definition. From this one table come the flag, the key in tend.toml and in JSON, the help,
// the completion and the manual.
type Option struct {
	Key      string   // in tend.toml and JSON
	Flag     string   // without --
	Short    string   // one letter, or ""
	Arg      string   // what the value is called in help; "" for a switch
	Default  string   // in words
	Help     string   // one line
	Detail   string   // further sentences for the manual
	Repeat   bool     // may be given several times; each adds
	Values   []string // what completion offers
	Complete string   // "directory", "file" or "service": what else completion offers
	Live     bool     // a change takes effect at once, or needs none: a service that runs does not have to be restarted for it
	Access
}

// Access reads and writes one key of a definition. An error of Set says what the value is not and what is allowed.
type Access struct {
	Set func(s *Service, value string, c Caller) error
	Get func(s Service) []string // the values that Set would take; nil where it is not set
}

// text accesses an option whose value is a string in the definition.
func text(field func(*Service) *string, convert func(string, Caller) (string, error)) Access {
	set := func(s *Service, value string, c Caller) error {
		v, err := convert(value, c)
		if err == nil {
			*field(s) = v
		}
		return err
	}
	get := func(s Service) []string {
		if v := *field(&s); v != "" {
			return []string{v}
		}
		return nil
	}
	return Access{set, get}
}

// parsed accesses an option whose value has a type of its own.
func parsed[T interface {
	comparable
	fmt.Stringer
}](field func(*Service) *T, parse func(string) (T, error)) Access {
	set := func(s *Service, value string, _ Caller) error {
		v, err := parse(value)
		if err == nil {
			*field(s) = v
		}
		return err
	}
	get := func(s Service) []string {
		var zero T
		if v := *field(&s); v != zero {
			return []string{v.String()}
		}
		return nil
	}
	return Access{set, get}
}

func pathValue(value string, c Caller) (string, error) {
	if value == "" || strings.ContainsRune(value, 0) {
		return "", fmt.Errorf("%q is not a path (absolute, from ~, or from the current directory)", value)
	}
	return c.Absolute(value), nil
}

func textValue(value string, _ Caller) (string, error) {
	if strings.ContainsFunc(value, unicode.IsControl) || !utf8.ValidString(value) {
		return "", fmt.Errorf("%q is not a description (one line of text, in UTF-8)", value)
	}
	return value, nil
}

func commandValue(value string, _ Caller) (string, error) {
	if strings.TrimSpace(value) == "" || strings.ContainsFunc(value, unicode.IsControl) || !utf8.ValidString(value) {
		return "", fmt.Errorf("%q is no command (one line of text, in UTF-8, for /bin/sh)", value)
	}
	return value, nil
}

// String makes Restart a fmt.Stringer.
func (r Restart) String() string { return string(r) }

// Options are all keys of a definition but the name and the command line, in the order of the manual.
var Options = append([]Option{
	{Key: "working_directory", Flag: "working-directory", Short: "w", Arg: "DIR", Default: "the current directory", Complete: "directory",
		Help:   "the directory it runs in",
		Access: text(func(s *Service) *string { return &s.WorkingDirectory }, pathValue)},
	{Key: "stdin", Flag: "stdin", Short: "i", Arg: "FILE", Default: "/dev/null", Complete: "file",
		Help:   "the file it reads",
		Access: text(func(s *Service) *string { return &s.Stdin }, pathValue)},
	{Key: "stdout", Flag: "stdout", Short: "o", Arg: "FILE", Default: "a log of its own", Complete: "file",
		Help: "the file its output is appended to", Detail: "/dev/null drops it.",
		Access: text(func(s *Service) *string { return &s.Stdout }, pathValue)},
	{Key: "stderr", Flag: "stderr", Short: "e", Arg: "FILE", Default: "where stdout goes", Complete: "file",
		Help:   "the file its error output is appended to",
		Access: text(func(s *Service) *string { return &s.Stderr }, pathValue)},
	{Key: "shell", Flag: "shell", Default: "false",
		Help: "run the command line by /bin/sh -c", Detail: "Without it no shell runs: quotes are understood, but ;, &&, |, >, $ and * are not.",
		Access: Access{setShell, getShell}},
	{Key: "environment", Flag: "env", Arg: "NAME=VALUE", Repeat: true, Default: strings.Join(inherited, ", ") + " as they are now",
		Help: "set an environment variable; NAME alone takes today's value", Detail: "Nothing else comes in from your shell. list and status blot out values whose names look secret, and addresses with a password in them.",
		Access: Access{setEnvironment, getEnvironment}},
	{Key: "environment_file", Flag: "env-file", Arg: "FILE", Repeat: true, Default: "none", Complete: "file",
		Help:   "a file of NAME=VALUE lines, read at every start; -FILE may be missing",
		Detail: "Of several the later ones win, and --env wins over all of them. What is in them stays there: neither the database nor list and status have it. Its rules are in docs/environment.md.",
		Access: Access{setEnvironmentFile, func(s Service) []string { return s.EnvironmentFile }}},
	{Key: "umask", Flag: "umask", Arg: "OCTAL", Default: "yours",
		Help:   "its file mode creation mask",
		Access: Access{setUmask, getUmask}},
	{Key: "restart", Flag: "restart", Arg: "POLICY", Default: string(DefaultRestart), Values: []string{"no", "on-failure", "always"}, Live: true,
		Help: "restart it when it ends: no, on-failure or always", Detail: "The default of a job (schedule) is no.",
		Access: parsed(func(s *Service) *Restart { return &s.Restart }, ParseRestart)},
	{Key: "success_codes", Flag: "success-codes", Arg: "N,N…", Default: "0", Live: true,
		Help:   "exit statuses that are no failure, besides 0",
		Access: Access{setSuccessCodes, getSuccessCodes}},
	{Key: "backoff", Flag: "backoff", Arg: "MIN..MAX", Default: DefaultBackoffMin.String() + ".." + DefaultBackoffMax.String(), Live: true,
		Help: "pauses between restarts in a row", Detail: "The first restart is at once; the pause before the second is MIN, and each further one is twice as long, up to MAX; up to a fifth is taken off at random.",
		Access: parsed(func(s *Service) *Backoff { return &s.Backoff }, ParseBackoff)},
	{Key: "healthy_after", Flag: "healthy-after", Arg: "TIME", Default: DefaultHealthyAfter.String(), Live: true,
		Help: "up that long, failures count from zero again", Detail: "It is never less than the shortest pause of backoff.",
		Access: parsed(func(s *Service) *Duration { return &s.HealthyAfter }, parsePositive)},
	{Key: "give_up_after", Flag: "give-up-after", Arg: "N", Default: "never", Live: true,
		Help:   "failures in a row after which it is not restarted",
		Access: Access{setGiveUpAfter, getGiveUpAfter}},
	readyOption, readyTimeoutOption, healthOption, healthIntervalOption, healthTimeoutOption, healthFailuresOption,
	requiresOption,
	wantsOption,
	afterOption,
	{Key: "stop_command", Flag: "stop-command", Arg: "COMMAND", Default: "none", Live: true,
		Help:   "what /bin/sh runs before the first signal of a stop",
		Access: text(func(s *Service) *string { return &s.StopCommand }, commandValue)},
	{Key: "stop_command_timeout", Flag: "stop-command-timeout", Arg: "TIME", Default: DefaultStopCommandTimeout.String(), Live: true,
		Help:   "the time that the stop command is given",
		Access: parsed(func(s *Service) *Duration { return &s.StopCommandTimeout }, parsePositive)},
	{Key: "stop", Flag: "stop", Arg: "SIGNAL/SECONDS…", Default: DefaultStop.String(), Live: true,
		Help:   "the signals that stop it, each with the time it is given",
		Detail: "Each goes to every process of the service. What only its main process is to be told, so that it can finish its work with the others, is for stop_command.",
		Access: Access{setStop, getStop}},
	reloadOption,
	{Key: "log_max", Flag: "log-max", Arg: "SIZE", Default: DefaultLogMax.String(), Live: true,
		Help: "when its log is longer, make an archive of it", Detail: "At least " + MinLogMax.String() + ", or never. A file that is named by -o or -e has no default: it is left alone unless a size is given.",
		Access: parsed(func(s *Service) *Size { return &s.LogMax }, parseLogMax)},
	{Key: "log_keep", Flag: "log-keep", Arg: "N", Default: strconv.Itoa(DefaultLogKeep), Live: true,
		Help: "how many archives of its log are kept, or all", Detail: "At least 1; when there are more, the oldest is removed.",
		Access: Access{setLogKeep, getLogKeep}},
	{Key: "log_age", Flag: "log-age", Arg: "TIME", Default: DefaultLogAge.String(), Live: true,
		Help: "remove of its log what is older, or never", Detail: "At least " + Duration(minLogAge).String() + ". What is not rotated (log_max) is not removed either.",
		Access: parsed(func(s *Service) *Age { return &s.LogAge }, parseLogAge)},
	{Key: "log_format", Flag: "log-format", Arg: "FORMAT", Default: DefaultLogFormat.String(), Values: []string{"plain", "time"},
		Help:   "plain: it writes straight into its log; time: through a pipe, so that the time of each line is known",
		Access: parsed(func(s *Service) *LogFormat { return &s.LogFormat }, ParseLogFormat)},
	{Key: "log_to", Flag: "log-to", Arg: "WHERE", Default: "nowhere else", Values: []string{"syslog"}, Live: true,
		Help:   "where a copy of its log goes: syslog, syslog:ADDRESS or command:COMMAND",
		Detail: "An address is the path of a socket, udp:HOST:PORT or tcp:HOST:PORT. A command is run by /bin/sh -c and gets the lines on its stdin. What was written before is not sent. See docs/logs.md.",
		Access: text(func(s *Service) *string { return &s.LogTo }, func(value string, _ Caller) (string, error) { return ParseLogTo(value) })},
	fdStoreOption,
	scheduleOption, timezoneOption, overlapOption, missedOption, restartScheduleOption, expiresOption,
	instancesOption, listenOption,
	{Key: "watch", Flag: "watch", Arg: "GLOB", Repeat: true, Default: "nothing", Complete: "file", Live: true,
		Help:   "restart it when such a file changes; ** is any depth",
		Detail: "Relative to the working directory; *, ? and [a-z] match as in a shell, and the name of a directory means all that is in it. What has failed or ended is started as well. See docs/watch.md.",
		Access: Access{setWatch, func(s Service) []string { return s.Watch }}},
	onEventOption, eventKindsOption,
	{Key: "tags", Flag: "tag", Arg: "TAG", Repeat: true, Default: "none", Live: true,
		Help:   "a group it belongs to; @TAG means all of them",
		Access: Access{setTag, func(s Service) []string { return s.Tags }}},
	{Key: "description", Flag: "description", Arg: "TEXT", Default: "none", Live: true,
		Help:   "what it is, for whoever reads the list",
		Access: text(func(s *Service) *string { return &s.Description }, textValue)},
}, limitOptions()...)

func setShell(s *Service, value string, _ Caller) (err error) {
	if s.Shell, err = strconv.ParseBool(value); err != nil {
		return fmt.Errorf("%q is neither true nor false", value)
	}
	return nil
}

func getShell(s Service) []string {
	if s.Shell {
		return []string{"true"}
	}
	return nil
}

func setEnvironment(s *Service, value string, c Caller) error {
	name, text, given := strings.Cut(value, "=")
	switch {
	case name == "" || strings.ContainsRune(name, 0):
		return fmt.Errorf("%q is not a variable (NAME=VALUE, or NAME to take today's value)", value)
	case strings.HasPrefix(name, "TEND_"):
		return fmt.Errorf("%s is set by tend itself", name)
	}
	if !given {
		if text, given = c.Getenv(name); !given {
			return fmt.Errorf("%s is not set in your environment (give it a value: %s=VALUE)", name, name)
		}
	}
	if !utf8.ValidString(name) || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return fmt.Errorf("the value of %q is not valid UTF-8 text", name) // JSON cannot hold it
	}
	env := maps.Clone(s.Environment)
	if env == nil {
		env = map[string]string{}
	}
	env[name] = text
	s.Environment = env
	return nil
}

func getEnvironment(s Service) []string {
	var entries []string
	for _, name := range slices.Sorted(maps.Keys(s.Environment)) {
		entries = append(entries, name+"="+s.Environment[name])
	}
	return entries
}

func setUmask(s *Service, value string, _ Caller) error {
	u, err := ParseUmask(value)
	if err == nil {
		s.Umask = &u
	}
	return err
}

func getUmask(s Service) []string {
	if s.Umask == nil {
		return nil
	}
	return []string{s.Umask.String()}
}

func setSuccessCodes(s *Service, value string, _ Caller) error {
	var codes []int
	for _, part := range strings.Split(value, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 0 || n > 255 {
			return fmt.Errorf("%q is not an exit status (numbers from 0 to 255, separated by commas)", part)
		}
		if n != 0 && !slices.Contains(codes, n) {
			codes = append(codes, n)
		}
	}
	s.SuccessCodes = codes
	return nil
}

func getSuccessCodes(s Service) []string {
	if len(s.SuccessCodes) == 0 {
		return nil
	}
	var parts []string
	for _, c := range s.SuccessCodes {
		parts = append(parts, strconv.Itoa(c))
	}
	return []string{strings.Join(parts, ",")}
}

func setGiveUpAfter(s *Service, value string, _ Caller) error {
	if value == "never" {
		s.GiveUpAfter = 0
		return nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > 1_000_000 {
		return fmt.Errorf("%q is not a number of failures (1 or more, or never)", value)
	}
	s.GiveUpAfter = n
	return nil
}

func getGiveUpAfter(s Service) []string {
	if s.GiveUpAfter == 0 {
		return nil
	}
	return []string{strconv.Itoa(s.GiveUpAfter)}
}

func setStop(s *Service, value string, _ Caller) error {
	schedule, err := ParseStopSchedule(value)
	if err == nil {
		s.Stop = schedule
	}
	return err
}

func getStop(s Service) []string {
	if len(s.Stop) == 0 {
		return nil
	}
	return []string{s.Stop.String()}
}

// minLogAge: the time of what was written is known to the minute where it is old.
const minLogAge = Age(time.Hour)

func parseLogAge(text string) (Age, error) {
	a, err := ParseAge(text)
	if err == nil && a >= 0 && a < minLogAge {
		return 0, fmt.Errorf("%q is too short (at least %s, or never)", text, minLogAge)
	}
	return a, err
}

func parseLogMax(text string) (Size, error) {
	size, err := ParseSize(text)
	if err == nil && size >= 0 && size < MinLogMax {
		return 0, fmt.Errorf("%q is too small for a log (at least %s, or never)", text, MinLogMax)
	}
	return size, err
}

func setLogKeep(s *Service, value string, _ Caller) error {
	if value == "all" {
		s.LogKeep = KeepAll
		return nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > 1_000_000 {
		return fmt.Errorf("%q is not a number of archives (1 or more, or all)", value)
	}
	s.LogKeep = n
	return nil
}

func getLogKeep(s Service) []string {
	switch {
	case s.LogKeep == 0:
		return nil
	case s.LogKeep < 0:
		return []string{"all"}
	}
	return []string{strconv.Itoa(s.LogKeep)}
}

func setTag(s *Service, value string, _ Caller) error {
	value = strings.TrimPrefix(value, "@")
	if value == "" || strings.ContainsFunc(value, notInTag) {
		return fmt.Errorf("%q is not a tag (a word without blanks, commas, slashes, @ and pattern characters)", value)
	}
	if !slices.Contains(s.Tags, value) {
		s.Tags = append(slices.Clone(s.Tags), value)
	}
	return nil
}

func notInTag(r rune) bool {
	return r == utf8.RuneError || unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`,/@*?[]`, r)
}
