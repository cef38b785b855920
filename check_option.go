package tend

import (
	"fmt"
	"strconv"
	"time"
)

// Defaults of checks, as the manual states them.
const (
	DefaultReadyTimeout   = Duration(time.Minute) // none where it is ready when it has ended
	DefaultHealthInterval = Duration(10 * time.Second)
	DefaultHealthTimeout  = Duration(3 * time.Second)
	DefaultHealthFailures = 3
	minHealthInterval     = Duration(100 * time.Millisecond)
)

var (
	readyOption = Option{Key: "ready", Flag: "ready", Arg: "CHECK", Default: "alive:" + DefaultReadyAlive.String(), Live: true,
		Values: []string{"notify", "exit"},
		Help:   "when it counts as started: " + readyForms,
		Detail: "After a URL may stand status=N or status=N-M, body=TEXT and socket=PATH. Nothing is checked any more once it is ready. See docs/readiness.md.",
		Access: check(func(s *Service) *Check { return &s.Ready }, ParseReady)}
	readyTimeoutOption = Option{Key: "ready_timeout", Flag: "ready-timeout", Arg: "TIME", Default: DefaultReadyTimeout.String() + "; with ready exit, none", Live: true,
		Help: "the longest a start may take until it is ready", Detail: "What is not ready by then is stopped, as a failure.",
		Access: parsed(func(s *Service) *Duration { return &s.ReadyTimeout }, parsePositive)}
	healthOption = Option{Key: "health", Flag: "health", Arg: "CHECK", Default: "none", Live: true,
		Values: []string{"none"},
		Help:   "restart it when this fails: " + healthForms,
		Detail: "It is checked while it runs, from when it is ready. The forms are those of ready; with notify:TIME it has to say WATCHDOG=1 in every such time. See docs/readiness.md.",
		Access: check(func(s *Service) *Check { return &s.Health }, ParseHealth)}
	healthIntervalOption = Option{Key: "health_interval", Flag: "health-interval", Arg: "TIME", Default: DefaultHealthInterval.String(), Live: true,
		Help: "how often its health is checked", Detail: "At least " + minHealthInterval.String() + ".",
		Access: parsed(func(s *Service) *Duration { return &s.HealthInterval }, parseHealthInterval)}
	healthTimeoutOption = Option{Key: "health_timeout", Flag: "health-timeout", Arg: "TIME", Default: DefaultHealthTimeout.String(), Live: true,
		Help: "how long one check may take", Detail: "It holds for each attempt of a readiness check as well.",
		Access: parsed(func(s *Service) *Duration { return &s.HealthTimeout }, parsePositive)}
	healthFailuresOption = Option{Key: "health_failures", Flag: "health-failures", Arg: "N", Default: strconv.Itoa(DefaultHealthFailures), Live: true,
		Help:   "how many health checks in a row have to fail before it is restarted",
		Access: Access{setHealthFailures, getHealthFailures}}
)

// check accesses an option whose value is a Check. The path of a socket is made absolute.
func check(field func(*Service) *Check, parse func(string) (Check, error)) Access {
	access := parsed(field, parse)
	access.Set = func(s *Service, value string, c Caller) error {
		v, err := parse(value)
		if err != nil {
			return err
		}
		if v.Socket != "" {
			v.Socket = c.Absolute(v.Socket)
		}
		*field(s) = v
		return nil
	}
	return access
}

func parseHealthInterval(text string) (Duration, error) {
	d, err := parsePositive(text)
	if err == nil && d < minHealthInterval {
		return 0, fmt.Errorf("%q is too short (at least %s)", text, minHealthInterval)
	}
	return d, err
}

func setHealthFailures(s *Service, value string, _ Caller) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > 1000 {
		return fmt.Errorf("%q is not a number of failures (from 1 to 1000)", value)
	}
	s.HealthFailures = n
	return nil
}

func getHealthFailures(s Service) []string {
	if s.HealthFailures == 0 {
		return nil
	}
	return []string{strconv.Itoa(s.HealthFailures)}
}

func (s Service) withHealthDefaults() Service {
	if s.HealthInterval == 0 {
		s.HealthInterval = DefaultHealthInterval
	}
	if s.HealthTimeout == 0 {
		s.HealthTimeout = DefaultHealthTimeout
	}
	if s.HealthFailures == 0 {
		s.HealthFailures = DefaultHealthFailures
	}
	return s
}
