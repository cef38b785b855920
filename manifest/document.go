package manifest

import (
	"bytes"
	"errors"

	"github.com/pelletier/go-toml/v2/unstable"
)

// table is a table of a TOML document, with the places of its keys.
type table struct {
	offset  int
	header  bool // it was begun by a header of its own, which there may be one of
	dotted  bool // it was made by keys with dots, and has no header of its own
	braces  bool // it was written in braces: nothing is added to it
	entries []*entry
}

// entry is a key of a table and its value.
type entry struct {
	name   string
	offset int // of the key
	value  value
}

// value is a value of a TOML document.
type value struct {
	kind   unstable.Kind
	offset int
	text   string  // of a string, what it means; of anything else, what is written
	items  []value // of an array
	table  *table  // of a table
}

func (t *table) find(name string) *entry {
	for _, e := range t.entries {
		if e.name == name {
			return e
		}
	}
	return nil
}

// reader makes the tree of a document. The grammar is the parser's affair; that nothing is defined twice is ours.
type reader struct {
	*source
	parser unstable.Parser
}

// read returns the document as a tree. Where the grammar is broken, that is all that can be said.
func (s *source) read() *table {
	r := &reader{source: s}
	root := &table{}
	here, path := root, ""
	r.parser.Reset(s.text)
	for r.parser.NextExpression() {
		switch node := r.parser.Expression(); node.Kind {
		case unstable.KeyValue:
			r.pair(here, path, node)
		case unstable.Table:
			here, path = r.begin(root, node)
		case unstable.ArrayTable:
			names, offsets := r.key(node.Key())
			r.refuse(offsets[0]-2, "", "[[%s]] is an array of tables; a table is written as [%s]", dotted("", names...), dotted("", names...))
			here, path = &table{}, dotted("", names...)
		}
	}
	if err := r.parser.Error(); err != nil {
		s.problems = nil // what was said before may be a consequence
		s.refuse(r.offsetOf(err), "", "%s", err)
	}
	return root
}

// offsetOf is where the grammar is broken. At the end of the text the parser speaks of nothing that is in it.
func (r *reader) offsetOf(err error) int {
	var broken *unstable.ParserError
	if !errors.As(err, &broken) || len(broken.Highlight) == 0 {
		return len(r.text)
	}
	return int(r.parser.Range(broken.Highlight).Offset)
}

// key returns the parts of a key with dots, and where each is.
func (r *reader) key(it unstable.Iterator) (names []string, offsets []int) {
	for it.Next() {
		names = append(names, string(it.Node().Data))
		offsets = append(offsets, int(it.Node().Raw.Offset))
	}
	return names, offsets
}

// begin finds or makes the table of a header.
func (r *reader) begin(root *table, node *unstable.Node) (*table, string) {
	names, offsets := r.key(node.Key())
	here := root
	for i, name := range names {
		e := here.find(name)
		switch {
		case e == nil:
			e = &entry{name, offsets[i], value{kind: unstable.Table, offset: offsets[i], table: &table{offset: offsets[i]}}}
			here.entries = append(here.entries, e)
		case e.value.table == nil, e.value.table.braces, e.value.table.dotted && i == len(names)-1:
			r.refuse(offsets[i], dotted("", names[:i+1]...), "it has a value already, in line %d", r.line(e.offset))
			return &table{}, dotted("", names...)
		}
		here = e.value.table
	}
	if here.header {
		r.refuse(offsets[0]-1, "", "[%s] is there already, in line %d", dotted("", names...), r.line(here.offset))
		return &table{}, dotted("", names...)
	}
	here.header, here.offset = true, offsets[0]-1
	return here, dotted("", names...)
}

// pair adds KEY = VALUE to a table.
func (r *reader) pair(here *table, path string, node *unstable.Node) {
	names, offsets := r.key(node.Key())
	for i, name := range names {
		full := dotted(path, names[:i+1]...)
		e := here.find(name)
		last := i == len(names)-1
		switch {
		case e != nil && (last || e.value.table == nil || e.value.table.header || e.value.table.braces):
			r.refuse(offsets[i], full, "it is there already, in line %d", r.line(e.offset))
			return
		case last:
			e = &entry{name: name, offset: offsets[i]}
			e.value = r.value(node.Value(), r.behind(node), full)
			here.entries = append(here.entries, e)
			return
		case e == nil:
			e = &entry{name, offsets[i], value{kind: unstable.Table, offset: offsets[i], table: &table{offset: offsets[i], dotted: true}}}
			here.entries = append(here.entries, e)
		}
		here = e.value.table
	}
}

// behind is where the value of a pair begins: the parser does not say it of arrays and tables.
func (r *reader) behind(pair *unstable.Node) int {
	end := 0
	for it := pair.Key(); it.Next(); {
		end = int(it.Node().Raw.Offset + it.Node().Raw.Length)
	}
	rest := bytes.TrimLeft(r.text[end:], " \t")
	rest = bytes.TrimLeft(bytes.TrimPrefix(rest, []byte("=")), " \t")
	return len(r.text) - len(rest)
}

func (r *reader) value(node *unstable.Node, offset int, path string) value {
	if node.Raw.Length > 0 {
		offset = int(node.Raw.Offset)
	}
	v := value{kind: node.Kind, offset: offset, text: string(node.Data)}
	switch node.Kind {
	case unstable.Array:
		for it := node.Children(); it.Next(); {
			v.items = append(v.items, r.value(it.Node(), offset, path))
		}
	case unstable.InlineTable:
		v.table = &table{offset: offset, braces: true}
		for it := node.Children(); it.Next(); {
			r.pair(v.table, path, it.Node())
		}
	}
	return v
}

// dotted adds the names to a path as one writes them in TOML.
func dotted(path string, names ...string) string {
	for _, name := range names {
		if path != "" {
			path += "."
		}
		path += quoteKey(name)
	}
	return path
}
