package tend

import (
	"errors"
	"slices"
)

// The keys of a definition that say what the service depends on.
var (
	requiresOption = Option{Key: "requires", Flag: "requires", Arg: "NAME", Repeat: true, Default: "none", Complete: "service", Live: true,
		Help:   "a service that is started along and ready first, and without which it cannot run",
		Detail: "When that one has failed for good or is stopped, this one is stopped as well. See docs/dependencies.md.",
		Access: names(func(s *Service) *[]string { return &s.Requires })}
	wantsOption = Option{Key: "wants", Flag: "wants", Arg: "NAME", Repeat: true, Default: "none", Complete: "service", Live: true,
		Help:   "a service that is started along and tried first",
		Detail: "This one starts as soon as that one is ready or its first attempt has failed.",
		Access: names(func(s *Service) *[]string { return &s.Wants })}
	afterOption = Option{Key: "after", Flag: "after", Arg: "NAME", Repeat: true, Default: "none", Complete: "service", Live: true,
		Help:   "a service that starts first and stops last, if both do so together",
		Access: names(func(s *Service) *[]string { return &s.After })}
)

// names accesses an option whose value is a list of services. That there are such services is CheckOrder's affair.
func names(field func(*Service) *[]string) Access {
	set := func(s *Service, value string, _ Caller) error {
		if err := CheckName(value); err != nil {
			return errors.New(AsError(err).Message) // without the hint, which is for whoever chooses a name
		}
		if list := field(s); !slices.Contains(*list, value) {
			*list = append(slices.Clone(*list), value)
		}
		return nil
	}
	return Access{set, func(s Service) []string { return *field(&s) }}
}
