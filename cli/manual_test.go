package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tend"
)

// TestManualIsUpToDate: what go generate writes is what is committed.
func TestManualIsUpToDate(t *testing.T) {
	for path, write := range map[string]func(io.Writer, []command) error{"../docs/manual.md": writeManual, "../docs/tend.1": writeMan} {
		var want bytes.Buffer
		if err := write(&want, visible(commands())); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s is not what the tables say: go generate ./cli", path)
		}
	}
}

// TestPagesAreLinked: whoever reads the manual finds every page, and only such as there are.
func TestPagesAreLinked(t *testing.T) {
	var manual bytes.Buffer
	if err := writeManual(&manual, visible(commands())); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		name := filepath.Base(page)
		if !strings.Contains(manual.String(), "]("+name+")") && !strings.Contains(string(readme), "(docs/"+name+")") {
			t.Errorf("nothing leads to docs/%s", name)
		}
	}
	for _, link := range regexp.MustCompile(`\]\(([a-z]+\.md)\)`).FindAllStringSubmatch(manual.String(), -1) {
		if !slices.Contains(pages, "../docs/"+link[1]) {
			t.Errorf("there is no docs/%s", link[1])
		}
	}
}

// TestCommandTable: everything that is derived from a row needs the row to be whole.
func TestCommandTable(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range commands() {
		for _, name := range append([]string{c.name}, c.aliases...) {
			if seen[name] {
				t.Errorf("%s stands for two commands", name)
			}
			seen[name] = true
		}
		if c.short == "" || len(c.examples) == 0 || c.bind == nil {
			t.Errorf("%s has no help, no example or no action", c.name)
		}
		for _, e := range c.examples {
			if !strings.Contains(e.line, "tend "+c.name) && !strings.Contains(e.line, "tend --version") {
				t.Errorf("%s: the example %q is of something else", c.name, e.line)
			}
		}
		c.flags() // panics if two options have one name
	}
}

// TestOptionTable: each row has a flag of its own and takes what it gives.
func TestOptionTable(t *testing.T) {
	seen := map[string]bool{}
	defaults := tend.Service{}.WithDefaults()
	for _, o := range tend.Options {
		if seen[o.Flag] || seen[o.Key] || o.Help == "" || o.Default == "" {
			t.Errorf("%s: taken already, or without help or default", o.Key)
		}
		seen[o.Flag], seen[o.Key] = true, true
		for _, value := range o.Get(defaults) {
			var s tend.Service
			if err := o.Set(&s, value, tend.Caller{Directory: "/"}); err != nil {
				t.Errorf("%s does not take its own default: %v", o.Key, err)
			}
		}
	}
}
