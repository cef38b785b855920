package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kballard/go-shellquote"
	"github.com/pelletier/go-toml/v2/unstable"

	"tend"
)

// The keys of a service that are no options.
const (
	keyCommand = "command"
	keyScript  = "command_line" // as the 2008 script called it
	keyInherit = "inherit"      // false: nothing is taken from whoever applies the file
)

// Origin is what a file does not say itself.
type Origin struct {
	Caller   tend.Caller             // whose Directory is the file's: relative paths are seen from there
	Existing map[string]tend.Service // the services there are already
}

// File is a tend.toml that was read.
type File struct {
	Services []tend.Service // in the order of the file

	source
	places map[string]map[string]int // by service and key; "" is the service's own place
}

// Read reads a tend.toml. An error says everything that is wrong, each line with its place in the file, which is called
// so.
//
// What a service does not say of its environment, the variables that add takes from the caller, and its umask it takes from
// the caller as well, but only when it is new. One that exists keeps them, so that it makes no difference from which shell a
// file is applied; with inherit = false it has none but those of the file.
func Read(file string, text []byte, o Origin) (*File, error) {
	f := &File{source: source{file: file, text: withoutMark(text)}, places: map[string]map[string]int{}}
	root := f.read()
	if len(f.problems) > 0 {
		return f, f.err()
	}
	defaults := &table{}
	for _, e := range root.entries {
		switch {
		case e.name != "services" && e.name != "defaults":
			f.unknown(e, "", []string{"services", "defaults"}, "[services.NAME] and [defaults]")
		case e.value.table == nil:
			f.refuse(e.value.offset, e.name, "%s is not a table", described(e.value))
		case e.name == "defaults":
			defaults = e.value.table
		}
	}
	f.known(defaults, "defaults", optionKeys(false))
	if services := root.find("services"); services != nil && services.value.table != nil {
		for _, e := range services.value.table.entries {
			f.service(e, defaults, o)
		}
	}
	return f, f.err()
}

// optionKeys are the keys that a table may have, in the order of the manual.
func optionKeys(service bool) []string {
	var keys []string
	if service {
		keys = append(keys, keyCommand, keyScript)
	}
	keys = append(keys, keyInherit)
	for i := range tend.Options {
		keys = append(keys, tend.Options[i].Key)
	}
	return keys
}

// known refuses the keys of a table that are none.
func (f *File) known(t *table, path string, keys []string) {
	for _, e := range t.entries {
		if !slices.Contains(keys, e.name) {
			f.unknown(e, path, keys, strings.Join(keys, ", "))
		}
	}
}

func (f *File) unknown(e *entry, path string, keys []string, all string) {
	hint := "there are " + all
	near := tend.Nearest(e.name, keys)
	if near == "" {
		for i := range tend.Options { // by the name of its flag
			if o := &tend.Options[i]; o.Flag == e.name && slices.Contains(keys, o.Key) {
				near = o.Key
			}
		}
	}
	switch {
	case path == "" && e.value.table != nil && near == "":
		hint = fmt.Sprintf("a service is [%s]", dotted("services", e.name))
	case near != "":
		hint = "did you mean " + near + "?"
	}
	f.refuse(e.offset, dotted(path, e.name), "there is no such key; %s", hint)
}

// service reads the table of one service.
func (f *File) service(e *entry, defaults *table, o Origin) {
	path := dotted("services", e.name)
	old, exists := o.Existing[e.name]
	if err := tend.CheckName(e.name); err != nil && !exists {
		f.refuse(e.offset, path, "%s", err)
	}
	own := e.value.table
	if own == nil {
		f.refuse(e.value.offset, path, "%s is not a table", described(e.value))
		return
	}
	before := len(f.problems)
	f.known(own, path, optionKeys(true))
	f.places[e.name] = map[string]int{"": e.offset}
	s := o.Caller.NewService(e.name, "")
	switch inherit := f.inherits(own, defaults, path); {
	case !inherit:
		s.Environment, s.Umask = nil, nil
	case exists:
		s.Umask = old.Umask
		if old.Environment != nil { // otherwise it is a row of the 2008 script, which knew of none
			s.Environment = maps.Clone(old.Environment)
			maps.DeleteFunc(s.Environment, func(name, _ string) bool { return !tend.Inherited(name) })
		}
	}
	for i := range tend.Options {
		f.option(&tend.Options[i], &s, own, defaults, path, o.Caller)
	}
	f.command(&s, own, path)
	if len(f.problems) == before {
		f.Services = append(f.Services, s)
	}
}

// inherits reports whether the service takes from the caller what it does not say itself.
func (f *File) inherits(own, defaults *table, path string) bool {
	e, at := own.find(keyInherit), dotted(path, keyInherit)
	if e == nil {
		e, at = defaults.find(keyInherit), dotted("defaults", keyInherit)
	}
	if e == nil {
		return true
	}
	if e.value.kind != unstable.Bool {
		f.refuse(e.value.offset, at, "%s is not true or false", described(e.value))
	}
	return e.value.text != "false"
}

// option sets one key from the service's table, or else the defaults; of a table key, from both.
func (f *File) option(o *tend.Option, s *tend.Service, own, defaults *table, path string, caller tend.Caller) {
	var values []given
	mine, common := own.find(o.Key), defaults.find(o.Key)
	if common != nil && (mine == nil || o.Kind() == tend.KindTable) {
		values = f.texts(o, common.value, dotted("defaults", o.Key))
		f.places[s.Name][o.Key] = common.value.offset
	}
	if mine != nil {
		values = append(values, f.texts(o, mine.value, dotted(path, o.Key))...)
		f.places[s.Name][o.Key] = mine.value.offset
	}
	for _, v := range values {
		if err := o.Set(s, v.text, caller); err != nil {
			f.refuse(v.offset, v.key, "%s", err)
		}
	}
}

// command sets the command line: shell words, or an array of words.
func (f *File) command(s *tend.Service, own *table, path string) {
	e := own.find(keyCommand)
	if second := own.find(keyScript); e == nil {
		e = second
	} else if second != nil {
		f.refuse(second.offset, dotted(path, keyScript), "it is the same as %s, which is there already, in line %d", keyCommand, f.line(e.offset))
	}
	if e == nil {
		f.refuse(f.places[s.Name][""], path, "it has no command")
		return
	}
	f.places[s.Name][keyCommand] = e.value.offset
	at := dotted(path, e.name)
	switch e.value.kind {
	case unstable.String:
		s.CommandLine = e.value.text
	case unstable.Array:
		var words []string
		for i, item := range e.value.items {
			if item.kind != unstable.String {
				f.refuse(item.offset, fmt.Sprintf("%s[%d]", at, i), "%s is not a text in quotes", described(item))
				return
			}
			words = append(words, item.text)
		}
		if s.CommandLine = shellquote.Join(words...); s.Shell && len(words) == 1 {
			s.CommandLine = words[0] // a whole shell command is one word
		}
	default:
		f.refuse(e.value.offset, at, "%s is neither a text in quotes nor an array of words", described(e.value))
		return
	}
	if says := wrongCommand(s.CommandLine, s.Shell); says != "" {
		f.refuse(e.value.offset, at, "%s", says)
	}
}

// wrongCommand says why the command line is none, "" if it is one.
func wrongCommand(line string, shell bool) string {
	if strings.ContainsRune(line, 0) {
		return "the command has a zero byte in it"
	}
	if shell {
		if strings.TrimSpace(line) == "" {
			return "the command is empty"
		}
		return ""
	}
	words, err := shellquote.Split(line)
	switch {
	case err != nil:
		return fmt.Sprintf("%s cannot be split into words: a quote or backslash at its end is left open", quote(line))
	case len(words) == 0 || words[0] == "":
		return "the command is empty"
	}
	return ""
}

// Refuse notes that something is wrong with a key of a service, "" being all of it.
func (f *File) Refuse(service, key, format string, args ...any) {
	offset, found := f.places[service][key]
	path := dotted("services", service)
	if !found {
		offset = f.places[service][""]
	}
	if key != "" {
		path = dotted(path, key)
	}
	f.refuse(offset, path, format, args...)
}

// Err is what was refused.
func (f *File) Err() error { return f.err() }
