package tend

import "strings"

// Kind is what type a key's value has where there are types: in tend.toml and in its schema. On the command line, and for
// Set and Get, every value is text.
type Kind string

// The kinds. A number and an amount may be words as well: "never", "10MB".
const (
	KindText   Kind = "text"
	KindSwitch Kind = "switch" // true or false
	KindNumber Kind = "number" // an integer
	KindAmount Kind = "amount" // a time or a size, which are text, but may be an integer of seconds or bytes
	KindOctal  Kind = "octal"  // "022", or 0o022
	KindList   Kind = "list"   // an array, each element one value
	KindCommas Kind = "commas" // an array too, but one value: its elements with commas between them
	KindTable  Kind = "table"  // NAME = VALUE
)

// Kind follows from what the value is called in help.
func (o *Option) Kind() Kind {
	switch {
	case o.Arg == "":
		return KindSwitch
	case o.Repeat && strings.HasPrefix(o.Arg, "NAME="):
		return KindTable
	case o.Repeat:
		return KindList
	case strings.HasSuffix(o.Arg, "…") && strings.Contains(o.Arg, ","), o.Arg == "K,K":
		return KindCommas
	case o.Arg == "N":
		return KindNumber
	case o.Arg == "TIME", o.Arg == "SIZE":
		return KindAmount
	case o.Arg == "OCTAL":
		return KindOctal
	}
	return KindText
}

// FindOption returns the option of the key, nil if there is none.
func FindOption(key string) *Option {
	for i := range Options {
		if Options[i].Key == key {
			return &Options[i]
		}
	}
	return nil
}

// Unset puts a key back to its default, or takes one entry out of it: the element, or the NAME of a NAME=VALUE, that is
// called so. It reports whether there was anything to take.
func (o *Option) Unset(s *Service, entry string) bool {
	cleared := Service{Name: s.Name, CommandLine: s.CommandLine}
	changed := false
	for i := range Options {
		other := &Options[i]
		for _, value := range other.Get(*s) {
			name, _, _ := strings.Cut(value, "=")
			if other.Key == o.Key && (entry == "" || value == entry || name == entry) {
				changed = true
				continue
			}
			if err := other.Set(&cleared, value, Caller{Directory: "/"}); err != nil {
				return false // a value that somebody has put into the database by hand
			}
		}
	}
	if changed {
		*s = cleared
	}
	return changed
}
