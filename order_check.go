package tend

import (
	"slices"
	"strings"
)

// CheckOrder refuses dependencies that cannot be met: names that there are not, and loops. With changed, only what
// concerns those services is looked at: what somebody has written into the database by hand is no reason to refuse another
// service. The error names the service, the key and the way of the loop.
func CheckOrder(services []Service, changed ...string) error {
	names, concerned := make([]string, 0, len(services)), changed
	for _, s := range services {
		names = append(names, s.Name)
	}
	if len(changed) == 0 {
		concerned = names
	}
	for _, s := range services {
		if slices.Contains(concerned, s.Name) {
			if err := checkNames(s, names); err != nil {
				return err
			}
		}
	}
	return checkLoops(services, concerned)
}

func checkNames(s Service, names []string) error {
	for _, b := range s.bonds() {
		for _, on := range b.Names {
			if slices.Contains(names, on) {
				continue
			}
			err := Errorf(CodeUsage, "%s %s %s, and there is no such service", s.Name, b.Bond.verb(), on).About(s.Name).InKey(string(b.Bond))
			if near := Nearest(on, slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == s.Name })); near != "" {
				return err.WithHint("did you mean %s?", near)
			}
			return err.WithHint("add that one first: tend add %s COMMAND", ShellWord(on))
		}
	}
	return nil
}

// verb is the bond between the names of two services.
func (b Bond) verb() string {
	if b == BondAfter {
		return "is to start after"
	}
	return string(b)
}

// checkLoops finds the shortest loop on which one of the services is.
func checkLoops(services []Service, concerned []string) error {
	if len(NewOrder(services).ignored) == 0 {
		return nil
	}
	byName := map[string]Service{}
	for _, s := range services {
		byName[s.Name] = s
	}
	var shortest []string
	for _, name := range concerned {
		if loop := loopThrough(byName, name); loop != nil && (shortest == nil || len(loop) < len(shortest)) {
			shortest = loop
		}
	}
	if shortest == nil {
		return nil // there is one, and it has nothing to do with them
	}
	name, next := shortest[0], shortest[1]
	var bond Bond
	for _, b := range byName[name].bonds() {
		if bond == "" && slices.Contains(b.Names, next) {
			bond = b.Bond
		}
	}
	err := Errorf(CodeUsage, "%s cannot start: each waits for the next: %s", name, strings.Join(shortest, " → ")).About(name).InKey(string(bond))
	if name == next {
		err = Errorf(CodeUsage, "%s %s itself: %s", name, bond.verb(), strings.Join(shortest, " → ")).About(name).InKey(string(bond))
	}
	return err.WithHint("take one of these out of requires, wants and after")
}

// loopThrough returns the shortest way from the service back to itself, nil if there is none.
func loopThrough(services map[string]Service, start string) []string {
	before := map[string]string{}
	for open := []string{start}; len(open) > 0; open = open[1:] {
		for _, b := range services[open[0]].bonds() {
			for _, on := range b.Names {
				if on == start {
					loop := []string{start}
					for name := open[0]; name != start; name = before[name] {
						loop = append(loop, name)
					}
					loop = append(loop, start)
					slices.Reverse(loop)
					return loop
				}
				if _, seen := before[on]; !seen {
					before[on] = open[0]
					open = append(open, on)
				}
			}
		}
	}
	return nil
}

// CheckRemoval refuses to take away services that others require, unless those go as well.
func (o *Order) CheckRemoval(names []string) *Error {
	for _, name := range names {
		var stay []string
		for _, d := range o.NeededBy(name) {
			if d.Bond == BondRequires && !slices.Contains(names, d.Service) {
				stay = append(stay, d.Service)
			}
		}
		if len(stay) > 0 {
			verb := "require"
			if len(stay) == 1 {
				verb = "requires"
			}
			var words []string
			for _, other := range o.Dependants(append([]string{name}, names...)) {
				words = append(words, ShellWord(other))
			}
			return Errorf(CodeConflict, "%s cannot be removed: %s %s it", name, list(stay), verb).About(name).
				WithHint("remove all that cannot be without it as well, tend remove %s, or change what they require", strings.Join(words, " "))
		}
	}
	return nil
}

// list writes names as people do: a, b and c.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
