package cli

import (
	"slices"
	"strings"

	"tend"
)

// resolve finds the command that a word means: its name, an alias, or the beginning of exactly one name. Names of the
// hidden commands must be written out.
func resolve(table []command, word string) (*command, error) {
	for i, c := range table {
		if c.name == word || slices.Contains(c.aliases, word) {
			return &table[i], nil
		}
	}
	var found []*command
	var names []string
	for i, c := range table {
		if !c.hidden && word != "" && strings.HasPrefix(c.name, word) {
			found, names = append(found, &table[i]), append(names, c.name)
		}
	}
	switch len(found) {
	case 0:
		return nil, unrecognized(table, word)
	case 1:
		return found[0], nil
	}
	err := tend.Errorf(tend.CodeUsage, "%q may mean %s", word, strings.Join(names[:len(names)-1], ", ")+" or "+names[len(names)-1])
	return nil, err.WithHint("write one more letter")
}

func unrecognized(table []command, word string) error {
	var names []string
	for _, c := range visible(table) {
		names = append(names, c.name)
	}
	slices.Sort(names)
	err := &usageError{
		tend.Errorf(tend.CodeUsage, "Unrecognized command %q", word),
		[]string{"acceptable commands: " + strings.Join(names, ", ")},
	}
	if near := tend.Nearest(word, names); near != "" {
		return err.hint("tend %s", near)
	}
	return err
}
