package manifest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"tend"
)

// given is one value that an option is to be set to, and where it is written.
type given struct {
	text   string
	offset int
	key    string
}

// texts returns what a value in the file is as the values that the option takes. A value of the wrong type is refused.
func (s *source) texts(o *tend.Option, v value, path string) []given {
	one := func(text string, ok bool) []given {
		if !ok {
			s.refuse(v.offset, path, "%s is not %s", described(v), wanted(o))
			return nil
		}
		return []given{{text, v.offset, path}}
	}
	switch o.Kind() {
	case tend.KindSwitch:
		return one(v.text, v.kind == unstable.Bool)
	case tend.KindNumber, tend.KindAmount:
		return one(number(v), v.kind == unstable.String || v.kind == unstable.Integer)
	case tend.KindOctal:
		text, octal := strings.CutPrefix(v.text, "0o")
		return one(text, v.kind == unstable.String || v.kind == unstable.Integer && octal)
	case tend.KindTable:
		if v.kind == unstable.InlineTable || v.kind == unstable.Table {
			return s.pairs(v, path)
		}
		return s.list(o, v, path)
	case tend.KindList:
		return s.list(o, v, path)
	case tend.KindCommas:
		if v.kind != unstable.Array {
			return one(number(v), v.kind == unstable.String || v.kind == unstable.Integer)
		}
		return s.commas(o, v, path)
	}
	return one(v.text, v.kind == unstable.String)
}

// list is an array of which each element is one value.
func (s *source) list(o *tend.Option, v value, path string) (values []given) {
	if v.kind != unstable.Array {
		if v.kind == unstable.String && (o.Kind() == tend.KindList || strings.Contains(v.text, "=")) {
			s.refuse(v.offset, path, "%s is not %s; write [%s]", described(v), wanted(o), described(v))
		} else {
			s.refuse(v.offset, path, "%s is not %s", described(v), wanted(o))
		}
		return nil
	}
	for i, item := range v.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		if item.kind != unstable.String {
			s.refuse(item.offset, at, "%s is not a text in quotes", described(item))
			continue
		}
		values = append(values, given{item.text, item.offset, at})
	}
	return values
}

// commas is an array that is one value.
func (s *source) commas(o *tend.Option, v value, path string) []given {
	var parts []string
	for i, item := range v.items {
		if item.kind != unstable.String && item.kind != unstable.Integer || strings.Contains(item.text, ",") {
			s.refuse(item.offset, fmt.Sprintf("%s[%d]", path, i), "%s is not one of %s", described(item), o.Arg)
			return nil
		}
		parts = append(parts, number(item))
	}
	if len(parts) == 0 {
		return nil
	}
	return []given{{strings.Join(parts, ","), v.offset, path}}
}

// pairs is a table of NAME = VALUE. A number may stand without quotes, since that is how ports are written.
func (s *source) pairs(v value, path string) (values []given) {
	for _, e := range v.table.entries {
		at := dotted(path, e.name)
		switch {
		case strings.Contains(e.name, "="):
			s.refuse(e.offset, at, "a name cannot have = in it")
		case e.value.kind == unstable.String || e.value.kind == unstable.Integer && e.value.text == number(e.value):
			values = append(values, given{e.name + "=" + e.value.text, e.value.offset, at})
		case e.value.table != nil, e.value.kind == unstable.Array:
			s.refuse(e.value.offset, at, "%s is not a text in quotes", described(e.value))
		default:
			s.refuse(e.value.offset, at, "%s is not a text in quotes; write %s", described(e.value), quote(e.value.text))
		}
	}
	return values
}

// number is the text of an integer in decimal, and any other text as it is.
func number(v value) string {
	if v.kind != unstable.Integer {
		return v.text
	}
	if n, err := strconv.ParseInt(v.text, 0, 64); err == nil {
		return strconv.FormatInt(n, 10)
	}
	return strings.ReplaceAll(v.text, "_", "") // too large for anything, or with a plus: the option will say so
}

// wanted is what an option takes, in words.
func wanted(o *tend.Option) string {
	switch o.Kind() {
	case tend.KindSwitch:
		return "true or false"
	case tend.KindNumber:
		return "a whole number, or a word in quotes"
	case tend.KindAmount:
		return "a whole number, or a text in quotes"
	case tend.KindOctal:
		return `an octal number ("022", or 0o022)`
	case tend.KindList:
		return "an array of texts in quotes"
	case tend.KindCommas:
		return "an array"
	case tend.KindTable:
		return "a table of NAME = VALUE"
	}
	return "a text in quotes"
}

// described is a value as an error shows it.
func described(v value) string {
	switch v.kind {
	case unstable.String:
		return quote(v.text)
	case unstable.Array:
		return "an array"
	case unstable.Table, unstable.InlineTable:
		return "a table"
	}
	return v.text
}
