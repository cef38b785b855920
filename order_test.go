package tend_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tend"
)

// graph makes services of lines "a: requires b, wants c, after d".
func graph(lines ...string) []tend.Service {
	var services []tend.Service
	for _, line := range lines {
		name, rest, _ := strings.Cut(line, ":")
		s := tend.Service{Name: name}
		for _, part := range strings.Split(rest, ",") {
			bond, on, _ := strings.Cut(strings.TrimSpace(part), " ")
			switch tend.Bond(bond) {
			case tend.BondRequires:
				s.Requires = append(s.Requires, on)
			case tend.BondWants:
				s.Wants = append(s.Wants, on)
			case tend.BondAfter:
				s.After = append(s.After, on)
			}
		}
		services = append(services, s)
	}
	return services
}

func TestCheckOrder(t *testing.T) {
	for _, c := range []struct {
		services []tend.Service
		changed  []string
		key      string
		says     string // "" for nothing
	}{
		{graph("a", "b: requires a", "c: requires a, wants b, after a"), nil, "", ""},
		{graph("web: requires dbb", "db"), nil, "requires", "web requires dbb, and there is no such service; did you mean db?"},
		{graph("web: wants cache"), nil, "wants", "web wants cache, and there is no such service; add that one first: tend add cache COMMAND"},
		{graph("web: after my cache"), nil, "after", "web is to start after my cache, and there is no such service; add that one first: tend add 'my cache' COMMAND"},
		{graph("a: requires a"), nil, "requires", "a requires itself: a → a; take one of these out"},
		{graph("a: requires b", "b: after c", "c: wants a"), nil, "requires", "a cannot start: each waits for the next: a → b → c → a;"},
		{graph("a: requires b", "b: after c", "c: wants a"), []string{"c"}, "wants", "c cannot start: each waits for the next: c → a → b → c;"},
		{graph("a: after b, requires c", "b: requires c", "c: requires a"), []string{"b", "a"}, "requires", "a → c → a"}, // the shortest
		{graph("a: requires b", "b: requires a", "d: requires gone", "c"), []string{"c"}, "", ""},                        // not its affair
		{graph("a: requires b", "b: requires a", "c: requires a"), []string{"c"}, "", ""},
	} {
		err := tend.CheckOrder(c.services, c.changed...)
		if c.says == "" {
			if err != nil {
				t.Errorf("%v: %v", c.services, err)
			}
			continue
		}
		if tend.CodeOf(err) != tend.CodeUsage || !strings.Contains(err.Error(), c.says) || tend.AsError(err).Key != c.key || tend.AsError(err).Service == "" {
			t.Errorf("%+v\nnot %s in %q", tend.AsError(err), c.says, c.key)
		}
	}
}

// anyGraph draws services with random dependencies, also on what is not there; without loops they lead to later names only.
func anyGraph(t *rapid.T, most int, loops bool) []tend.Service {
	n := rapid.IntRange(1, most).Draw(t, "services")
	name := func(i int) string { return fmt.Sprintf("s%02d", i) }
	var services []tend.Service
	for i := range n {
		s := tend.Service{Name: name(i)}
		for _, list := range []*[]string{&s.Requires, &s.Wants, &s.After} {
			for range rapid.IntRange(0, 2).Draw(t, "arrows") {
				low, high := i+1, n-1
				if loops {
					low, high = 0, n
				}
				if low <= high {
					*list = append(*list, name(rapid.IntRange(low, high).Draw(t, "on")))
				}
			}
		}
		services = append(services, s)
	}
	return services
}

func TestOrderHasNoLoops(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		services := anyGraph(t, 9, rapid.Bool().Draw(t, "loops"))
		order := tend.NewOrder(services)
		var names []string
		for _, s := range services {
			names = append(names, s.Name)
		}
		order.Sort(names)
		for _, s := range services {
			for _, d := range order.Needs(s.Name) {
				if order.Knows(d.On) && slices.Index(names, d.On) > slices.Index(names, s.Name) {
					t.Fatalf("%+v, but the order is %v", d, names)
				}
				if !slices.Contains(order.NeededBy(d.On), d) {
					t.Fatalf("%+v is not known the other way", d)
				}
			}
		}
		for _, d := range order.Ignored() {
			if d.On != d.Service && !slices.Contains(order.Above(d.Service), d.On) {
				t.Fatalf("%+v is ignored, and closes no loop", d)
			}
		}
		arrows := 0
		for _, s := range services {
			seen := slices.Concat(s.Requires, s.Wants, s.After)
			slices.Sort(seen)
			arrows += len(slices.Compact(seen)) - len(order.Needs(s.Name))
		}
		if arrows != len(order.Ignored()) {
			t.Fatalf("%d arrows are missing, %v are ignored", arrows, order.Ignored())
		}
		shuffled := rapid.Permutation(services).Draw(t, "shuffled")
		again := slices.Clone(names)
		if tend.NewOrder(shuffled).Sort(again); !slices.Equal(names, again) {
			t.Fatalf("%v, but shuffled %v", names, again)
		}
		checkOrderAgrees(t, services, order)
	})
}

// checkOrderAgrees compares what is refused with what does not count, and follows the loop that is told of.
func checkOrderAgrees(t *rapid.T, services []tend.Service, order *tend.Order) {
	missing, known := false, map[string]tend.Service{}
	for _, s := range services {
		known[s.Name] = s
		for _, d := range order.Needs(s.Name) {
			missing = missing || !order.Knows(d.On)
		}
	}
	err := tend.CheckOrder(services)
	if (err != nil) != (missing || len(order.Ignored()) > 0) {
		t.Fatalf("%v, and %v do not count", err, order.Ignored())
	}
	if err == nil || missing {
		return
	}
	_, way, _ := strings.Cut(tend.AsError(err).Message, ": ")
	if i := strings.LastIndex(way, ": "); i >= 0 {
		way = way[i+2:]
	}
	loop := strings.Split(way, " → ")
	if len(loop) < 2 || loop[0] != loop[len(loop)-1] || loop[0] != tend.AsError(err).Service {
		t.Fatalf("no loop: %v", err)
	}
	for i, name := range loop[1:] {
		s := known[loop[i]]
		if !slices.Contains(slices.Concat(s.Requires, s.Wants, s.After), name) {
			t.Fatalf("%s does not depend on %s: %v", s.Name, name, err)
		}
	}
}
