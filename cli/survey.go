package cli

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"tend"
	"tend/logs"
	"tend/process"
	"tend/store"
)

// survey is what the database alone says of the services. It is the whole truth as long as no supervisor runs and none
// of them needs one.
type survey struct {
	database string
	services []tend.Service // and their copies: see tend.Copies
	states   map[string]store.Placed
	here     tend.Place
	foreign  bool // the 2008 script left a process that lives
	order    func() *tend.Order
}

// survey reads the database; without one there are no services.
func (a *App) survey(ctx context.Context) (*survey, error) {
	v := &survey{}
	v.order = sync.OnceValue(func() *tend.Order { return tend.NewOrder(v.originals()) })
	var err error
	if v.database, err = a.database(); err != nil {
		return nil, err
	}
	db, err := a.open(ctx, store.Existing)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, store.ErrNotFound) {
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	definitions, err := db.Services(ctx)
	if err != nil {
		return nil, err
	}
	if v.states, err = db.States(ctx); err != nil {
		return nil, err
	}
	v.services = tend.Copies(definitions, slices.Collect(maps.Keys(v.states)))
	if v.here, err = process.Here(); err != nil {
		return nil, err
	}
	booted, _, _ := process.Clock()
	for name, p := range v.states {
		if p.Place.SameHost(v.here) && p.Place.Boot == v.here.Boot {
			p.State = p.State.Shift(tend.SetForward(p.BootedAt, booted))
			v.states[name] = p
		}
	}
	rows, err := db.Foreign(ctx)
	if err != nil {
		return nil, err
	}
	v.foreign = slices.ContainsFunc(rows, func(f store.ForeignPID) bool {
		_, err := process.ReadStat(f.PID)
		return f.PID > 1 && err == nil
	})
	return v, nil
}

// originals are the definitions, one for all copies of each.
func (v *survey) originals() (definitions []tend.Service) {
	for _, s := range v.services {
		if s.Copy == 0 {
			definitions = append(definitions, s)
		}
	}
	return definitions
}

// standings tells how the copies of a service stand.
func (v *survey) standings(name string) (copies []tend.Standing) {
	for _, s := range v.services {
		if s.Service() == name {
			copies = append(copies, tend.Standing{
				Key: s.Name, Name: s.Label(), State: v.states[s.Name].State, Elsewhere: v.elsewhere(s.Name) != "", Broken: s.Broken != nil,
			})
		}
	}
	return copies
}

// wanted reports whether a copy of any of these services is wanted here.
func (v *survey) wanted(names []string) bool {
	return slices.ContainsFunc(v.services, func(s tend.Service) bool {
		return slices.Contains(names, s.Service()) && v.states[s.Name].Wanted && v.elsewhere(s.Name) == ""
	})
}

func serviceNames(services []tend.Service) (names []string) {
	for _, s := range services {
		names = append(names, s.Service())
	}
	return names
}

// choose returns the services that the words mean.
func (v *survey) choose(words []string, all bool) ([]tend.Service, error) {
	names, err := tend.Select(tend.Targets(v.services), words, all)
	if err != nil {
		return nil, err
	}
	chosen := make([]tend.Service, 0, len(names))
	for _, name := range names {
		i := slices.IndexFunc(v.services, func(s tend.Service) bool { return s.Name == name })
		chosen = append(chosen, v.services[i])
	}
	return chosen, nil
}

// definitions are the services without their copies.
func (v *survey) definitions() []tend.Service {
	return slices.DeleteFunc(slices.Clone(v.services), func(s tend.Service) bool { return s.Copy > 0 })
}

// chooseDefinitions returns the definitions that the words mean. A copy has none of its own.
func (v *survey) chooseDefinitions(words []string, all bool) ([]tend.Service, error) {
	chosen, err := v.choose(words, all)
	if err != nil {
		return nil, err
	}
	var definitions []tend.Service
	for _, s := range chosen {
		name := s.Service()
		if !v.whole(chosen, name) {
			return nil, tend.Errorf(tend.CodeUsage, "%s is a copy of %s, and all of its copies have one definition", s.Label(), name).About(name).
				WithHint("name %s", name)
		}
		if find(definitions, name) == nil {
			definitions = append(definitions, *find(v.services, name))
		}
	}
	return definitions, nil
}

// elsewhere is the host that the service was last seen running on, "" if that is this one or it rests.
func (v *survey) elsewhere(name string) string {
	p, ok := v.states[name]
	if !ok || p.Place.Host == "" || p.Place.SameHost(v.here) || !p.Phase.Live() && !p.Phase.Pending() {
		return ""
	}
	return p.Place.Host
}

// rebooted reports whether the state was written on an earlier boot of this host, or in a pid namespace that is not ours.
func (v *survey) rebooted(p store.Placed) bool {
	return p.Place.SameHost(v.here) && (p.Place.Boot != v.here.Boot || p.Place.Namespace != v.here.Namespace)
}

// needsSupervisor reports whether anything here runs or is to run, so that a supervisor must be asked. This is how the
// next command takes the services back after all of tend's own processes were killed.
func (v *survey) needsSupervisor() bool {
	if v.foreign {
		return true
	}
	for name, p := range v.states { // a copy that is no more may run still
		known := slices.ContainsFunc(v.services, func(s tend.Service) bool { return s.Name == name || v.isCopy(name, s) })
		if known && (p.Place.SameHost(v.here) || p.Place.Host == "") && p.NeedsSupervisor(v.rebooted(p)) {
			return true
		}
	}
	return false
}

// isCopy reports whether the name is, or was, that of a copy of the service.
func (v *survey) isCopy(name string, s tend.Service) bool {
	service, _, ok := tend.ParseCopy(name)
	return ok && service == s.Name
}

// whole reports whether all copies of the service are among the chosen.
func (v *survey) whole(chosen []tend.Service, service string) bool {
	for _, s := range v.services {
		if s.Service() == service && !slices.ContainsFunc(chosen, func(c tend.Service) bool { return c.Name == s.Name }) {
			return false
		}
	}
	return true
}

// label is what people call the service, or copy, that is kept by the name.
func (v *survey) label(name string) string {
	if i := slices.IndexFunc(v.services, func(s tend.Service) bool { return s.Name == name }); i >= 0 {
		return v.services[i].Label()
	}
	return name
}

// status shows one service.
func (a *App) status(v *survey, s tend.Service) tend.Status {
	status := tend.NewStatus(s, v.states[s.Name].State, logs.Path(v.database, s.Name), a.Now())
	status.Elsewhere = v.elsewhere(s.Name)
	switch st := v.states[s.Name]; {
	case st.Phase == tend.PhaseWaiting:
		status.Awaits(v.order().Obstacles(s.Service(), v.standings), nil)
	case st.Halting:
		status.Awaits(nil, v.order().Holders(s.Service(), v.standings))
	}
	return status
}
