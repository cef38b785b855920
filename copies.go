package tend

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// A service may have several copies (Instances). Each has a state, runs and a log of its own, and is kept by a name of its
// own: the first by the plain name of the service, the others by NAME@1, NAME@2 and so on. So a service that is given more
// copies, and fewer again, keeps its first one as it is. People see the first of several as NAME@0.

// MaxInstances is how many copies a service may have.
const MaxInstances = 1000

// CopyName is the name by which a copy of a service is kept.
func CopyName(service string, copy int) string {
	if copy == 0 {
		return service
	}
	return service + "@" + strconv.Itoa(copy)
}

// ParseCopy takes NAME@N apart. It is not ok where the name does not end so.
func ParseCopy(name string) (service string, copy int, ok bool) {
	at := strings.LastIndexByte(name, '@')
	if at <= 0 {
		return "", 0, false
	}
	copy, err := strconv.Atoi(name[at+1:])
	if err != nil || copy < 0 || strconv.Itoa(copy) != name[at+1:] {
		return "", 0, false
	}
	return name[:at], copy, true
}

// Copies returns the definitions with one for each copy of a service, the first of them first. Where there is a service
// NAME@1 as well, whose name is older than copies are, NAME has no copy of that number. A definition that cannot be read does
// not say how many there are: then there are those that are known by name.
func Copies(definitions []Service, known []string) []Service {
	names, most := map[string]bool{}, map[string]int{}
	for _, d := range definitions {
		names[d.Name] = true
	}
	for _, name := range known {
		if service, copy, ok := ParseCopy(name); ok && !names[name] {
			most[service] = max(most[service], copy)
		}
	}
	all := make([]Service, 0, len(definitions))
	for _, d := range definitions {
		if d.Broken != nil {
			d.Instances = most[d.Name] + 1
		}
		all = append(all, d)
		for i := 1; i < d.Instances; i++ {
			if c := d.CopyOf(i); !names[c.Name] {
				all = append(all, c)
			}
		}
	}
	return all
}

// CopyOf returns the definition of one of the copies.
func (s Service) CopyOf(copy int) Service {
	s.Name, s.Copy = CopyName(s.Service(), copy), copy
	return s
}

// Service is the name of the service that this is, or is a copy of.
func (s Service) Service() string {
	if s.Copy == 0 {
		return s.Name
	}
	return strings.TrimSuffix(s.Name, "@"+strconv.Itoa(s.Copy))
}

// Label is what people call it: NAME, or NAME@N where it is one of several copies.
func (s Service) Label() string {
	if s.Copy == 0 && s.Instances > 1 {
		return s.Name + "@0"
	}
	return s.Name
}

// CompareCopies orders copies: by their service, and by number.
func CompareCopies(a, b Target) int {
	return cmp.Or(strings.Compare(a.Service, b.Service), cmp.Compare(a.Copy, b.Copy))
}

// Target is what Select needs to know of it.
func (s Service) Target() Target {
	return Target{Name: s.Name, Service: s.Service(), Copy: s.Copy, Tags: s.Tags}
}

// Targets are those of all of them.
func Targets(services []Service) []Target {
	targets := make([]Target, 0, len(services))
	for _, s := range services {
		targets = append(targets, s.Target())
	}
	return targets
}

var instancesOption = Option{
	Key: "instances", Flag: "instances", Arg: "N", Default: "1", Live: true,
	Help:   "how many copies of it run: NAME@0, NAME@1 and so on",
	Detail: "Each finds its number in TEND_INSTANCE. NAME means all of them. See docs/copies.md and tend scale.",
	Access: Access{setInstances, getInstances},
}

func setInstances(s *Service, value string, _ Caller) error {
	n, err := ParseInstances(value)
	if err == nil {
		s.Instances = n
	}
	return err
}

// ParseInstances reads a number of copies.
func ParseInstances(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > MaxInstances || strings.HasPrefix(text, "+") { // +1 is not one more
		return 0, fmt.Errorf("%q is not a number of copies (1 to %d)", text, MaxInstances)
	}
	return n, nil
}

func getInstances(s Service) []string {
	if s.Instances == 0 {
		return nil
	}
	return []string{strconv.Itoa(s.Instances)}
}
