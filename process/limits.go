package process

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"tend"
)

// Limits are what a process is given and may not go beyond, each as the definition of a service has it. What is zero is
// left as it is with us.
type Limits struct {
	Resources   map[string]string // see tend.ParseLimit
	Nice        *int
	IONice      string // see tend.ParseIONice
	CPUs        string // see tend.ParseCPUs
	OOMScoreAdj *int
}

// LimitsOf returns those of a service.
func LimitsOf(s tend.Service) Limits {
	return Limits{Resources: s.Limits, Nice: s.Nice, IONice: s.IONice, CPUs: s.CPUs, OOMScoreAdj: s.OOMScoreAdj}
}

// IsZero reports whether nothing is limited.
func (l Limits) IsZero() bool {
	return len(l.Resources) == 0 && l.Nice == nil && l.IONice == "" && l.CPUs == "" && l.OOMScoreAdj == nil
}

// words are those of a plan for the exec stage.
func (l Limits) words() (words []string) {
	if l.OOMScoreAdj != nil {
		words = append(words, "oom_score_adj="+strconv.Itoa(*l.OOMScoreAdj))
	}
	if l.CPUs != "" {
		words = append(words, "cpus="+l.CPUs)
	}
	if l.IONice != "" {
		words = append(words, "ionice="+l.IONice)
	}
	if l.Nice != nil {
		words = append(words, "nice="+strconv.Itoa(*l.Nice))
	}
	for name, value := range l.Resources {
		words = append(words, "limit="+name+"="+value)
	}
	return words
}

// add takes in one of the words.
func (l *Limits) add(key, value string) (err error) {
	n := 0
	switch key {
	case "oom_score_adj":
		n, err = strconv.Atoi(value)
		l.OOMScoreAdj = &n
	case "cpus":
		l.CPUs = value
	case "ionice":
		l.IONice = value
	case "nice":
		n, err = strconv.Atoi(value)
		l.Nice = &n
	case "limit":
		name, text, _ := strings.Cut(value, "=")
		if l.Resources == nil {
			l.Resources = map[string]string{}
		}
		l.Resources[name] = text
	}
	return err
}

// valid says what is wrong with a limit that nobody has checked: somebody has written it into the database.
func (l Limits) valid() error {
	_, err := l.settings()
	if err == nil {
		_, err = l.bounds()
	}
	return err
}

// The names of the steps that set them, before the value and a blank. Those of resources are followed by NAME=.
const (
	stepOOM    = "oom_score_adj "
	stepCPUs   = "cpus "
	stepIONice = "ionice "
	stepNice   = "nice "
	stepLimit  = "limit "
)

// A setting is one of them, on its way into a process.
type setting struct {
	step string // what it is called in an error: "nice 5"
	set  func() error
}

// A bound is a resource limit on its way into a process.
type bound struct {
	step     string
	resource int
	limit    tend.Limit
}

// settings are those that belong to a thread or are written to a file, in the order in which they are set.
func (l Limits) settings() ([]setting, error) {
	var all []setting
	if n := l.OOMScoreAdj; n != nil {
		all = append(all, setting{stepOOM + strconv.Itoa(*n), func() error { return setOOMScoreAdj(*n) }})
	}
	if l.CPUs != "" {
		cpus, err := tend.ParseCPUs(l.CPUs)
		if err != nil {
			return nil, &StartError{Step: StepSet, Path: stepCPUs + l.CPUs, Err: err}
		}
		all = append(all, setting{stepCPUs + l.CPUs, func() error { return setCPUs(cpus) }})
	}
	if l.IONice != "" {
		class, level, err := tend.ParseIONice(l.IONice)
		if err != nil {
			return nil, &StartError{Step: StepSet, Path: stepIONice + l.IONice, Err: err}
		}
		all = append(all, setting{stepIONice + l.IONice, func() error { return setIONice(class, level) }})
	}
	if n := l.Nice; n != nil {
		all = append(all, setting{stepNice + strconv.Itoa(*n), func() error { return setNice(*n) }})
	}
	return all, nil
}

// bounds are the resource limits, by name.
func (l Limits) bounds() ([]bound, error) {
	var all []bound
	for name, text := range l.Resources {
		step := stepLimit + name + "=" + text
		limit, err := tend.ParseLimit(name, text)
		if err != nil {
			return nil, &StartError{Step: StepSet, Path: step, Err: err}
		}
		resource, ok := resources()[name]
		if !ok {
			return nil, &StartError{Step: StepSet, Path: step, Err: errNotHere}
		}
		all = append(all, bound{step, resource, limit})
	}
	slices.SortFunc(all, func(a, b bound) int { return strings.Compare(a.step, b.step) })
	return all, nil
}

var errNotHere = errors.New("this system has nothing like it")

// Check says what of the limits a process that is started here would be refused, nil if nothing.
func (l Limits) Check() error {
	settings, err := l.settings()
	if err != nil {
		return err
	}
	bounds, err := l.bounds()
	if err != nil {
		return err
	}
	for _, s := range settings {
		if err := try(s); err != nil {
			return refused(s.step, err)
		}
	}
	for _, b := range bounds {
		if err := tryBound(b); err != nil {
			return refused(b.step, err)
		}
	}
	return nil
}

// refused is the error of a step that the system refuses, with what it would allow.
func refused(step string, err error) error {
	failed := &StartError{Step: StepSet, Path: step, Err: err}
	if allowed := allowance(step, err); allowed != "" {
		failed.Err = reason{fmt.Sprintf("%v (%s)", err, allowed), err}
	}
	return failed
}

// allowance says what would be allowed in place of what a step was refused, "" if nobody knows.
func allowance(step string, err error) string {
	denied := errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES)
	name, value, _ := strings.Cut(step, " ")
	switch name + " " {
	case stepLimit:
		name, text, _ := strings.Cut(value, "=")
		wanted, parseErr := tend.ParseLimit(name, text)
		ours, ok := ownLimit(name)
		switch {
		case !denied || parseErr != nil || !ok:
		case wanted.Hard > ours.Hard && !mayRaise():
			return "its hard limit here is " + tend.Limit{Soft: ours.Hard, Hard: ours.Hard}.Text(name)
		case name == "nofile":
			return mostFiles()
		}
	case stepNice:
		if denied {
			return fmt.Sprintf("the lowest here is %d", lowestNice())
		}
	case stepOOM:
		if denied {
			return "only root may go that low; tend itself has " + ownOOMScoreAdj()
		}
	case stepIONice:
		if denied {
			return "only root may have that"
		}
	case stepCPUs:
		return "those here are " + tend.CPUList(allCPUs())
	}
	return ""
}
