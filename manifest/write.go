package manifest

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tend"
)

// Write writes the services as a tend.toml, by name. It says everything of each, so that whoever applies it, wherever and
// whenever, makes just these services of it: paths are absolute, nothing is inherited. Values of secrets stand there as they are.
func Write(to io.Writer, services []tend.Service) error {
	sorted := slices.SortedFunc(slices.Values(services), func(a, b tend.Service) int { return strings.Compare(a.Name, b.Name) })
	var b strings.Builder
	for i, s := range sorted {
		if s.Broken != nil {
			return s.Broken
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		writeService(&b, s)
	}
	if text := b.String(); !utf8.ValidString(text) {
		for _, s := range sorted {
			b.Reset()
			if writeService(&b, s); !utf8.ValidString(b.String()) {
				return tend.Errorf(tend.CodeFailed, "%q has bytes in it that are not UTF-8 text, which TOML cannot hold", s.Name).About(s.Name)
			}
		}
	}
	_, err := io.WriteString(to, b.String())
	return err
}

func writeService(b *strings.Builder, s tend.Service) {
	path := dotted("services", s.Name)
	fmt.Fprintf(b, "[%s]\n%s = %s\n%s = false\n", path, keyCommand, quote(s.CommandLine), keyInherit)
	var tables []*tend.Option
	for i := range tend.Options {
		o := &tend.Options[i]
		values := o.Get(s)
		switch {
		case len(values) == 0:
		case o.Kind() == tend.KindTable:
			tables = append(tables, o)
		default:
			fmt.Fprintf(b, "%s = %s\n", o.Key, inTOML(o, values))
		}
	}
	for _, o := range tables {
		fmt.Fprintf(b, "[%s]\n", dotted(path, o.Key))
		for _, value := range o.Get(s) {
			name, text, _ := strings.Cut(value, "=")
			fmt.Fprintf(b, "%s = %s\n", quoteKey(name), quote(text))
		}
	}
}

// inTOML writes the values of an option in the type that is natural for it.
func inTOML(o *tend.Option, values []string) string {
	switch o.Kind() {
	case tend.KindSwitch:
		return values[0]
	case tend.KindNumber:
		return numberOrText(values[0])
	case tend.KindCommas:
		return array(strings.Split(values[0], ","), numberOrText)
	case tend.KindList:
		return array(values, quote)
	}
	return quote(values[0])
}

func numberOrText(value string) string {
	if n, err := strconv.ParseInt(value, 10, 64); err == nil && strconv.FormatInt(n, 10) == value {
		return value
	}
	return quote(value)
}

func array(values []string, write func(string) string) string {
	var parts []string
	for _, v := range values {
		parts = append(parts, write(v))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// quoteKey writes a name as a key of TOML, in quotes where it needs them.
func quoteKey(name string) string {
	bare := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
	}
	if name != "" && strings.IndexFunc(name, func(r rune) bool { return !bare(r) }) < 0 {
		return name
	}
	return quote(name)
}

// quote writes a text as a basic string of TOML.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		case r == utf8.RuneError:
			_, size := utf8.DecodeRuneInString(text[i:])
			b.WriteString(text[i : i+size]) // what is no UTF-8 stays none, for whoever looks for it
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
