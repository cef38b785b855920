package house

import (
	"go/ast"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// noNames say nothing about what is in a file or package.
var noNames = []string{"util", "utils", "common", "helper", "helpers", "type", "types", "manager", "core", "misc", "base", "shared"}

func TestNamesSayWhatIsInside(t *testing.T) {
	for _, s := range sources(t) {
		for part := range strings.SplitSeq(strings.TrimSuffix(s.name, ".go"), string(filepath.Separator)) {
			for word := range strings.SplitSeq(part, "_") {
				if slices.Contains(noNames, word) {
					t.Errorf("%s: %q does not say what is in it", s.name, word)
				}
			}
		}
	}
}

// longest is where a file has surely more than one job. Most should be a third of it.
const longest = 450

func TestFilesHaveOneJob(t *testing.T) {
	for _, s := range sources(t) {
		if s.lines() > longest {
			t.Errorf("%s has %d lines, more than %d", s.name, s.lines(), longest)
		}
	}
}

func TestPackagesSayTheirJob(t *testing.T) {
	said := map[string]bool{}
	for _, s := range sources(t) {
		said[s.folder] = said[s.folder] || s.file.Doc != nil
	}
	for folder, ok := range said {
		if !ok {
			t.Errorf("the package in %s has no comment that says its job", folder)
		}
	}
}

// Everything below happens before main, in every process of ours, wanted or not.
func TestNothingHappensBeforeMain(t *testing.T) {
	for _, s := range sources(t) {
		for _, declaration := range s.file.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				if d.Name.Name == "init" && d.Recv == nil {
					t.Errorf("%s: has a func init", s.set.Position(d.Pos()))
				}
			case *ast.GenDecl:
				ast.Inspect(d, func(n ast.Node) bool {
					if _, ok := n.(*ast.FuncLit); ok {
						return false // not called yet
					}
					if call := called(n); slices.Contains(costly, call) {
						t.Errorf("%s: calls %s before main; use sync.OnceValue", s.set.Position(n.Pos()), call)
					}
					return true
				})
			}
		}
	}
}

var costly = []string{"regexp.MustCompile", "regexp.Compile", "template.Must", "os.Getwd", "os.Hostname", "os.Executable", "user.Current", "time.LoadLocation"}

// The domain is told what time it is and never waits. What the wall clocks of the world show is data, read in one place.
func TestTheDomainHasNoClock(t *testing.T) {
	clock := []string{"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.AfterFunc", "time.Tick", "time.NewTimer", "time.NewTicker", "time.LoadLocation"}
	for _, s := range sources(t) {
		if s.folder != "." {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if call := selected(n); slices.Contains(clock, call) && !(call == "time.LoadLocation" && s.name == "zone.go") {
				t.Errorf("%s: uses %s", s.set.Position(n.Pos()), selected(n))
			}
			return true
		})
	}
}

func TestMainIsShort(t *testing.T) {
	for _, s := range sources(t) {
		for _, declaration := range s.file.Decls {
			d, ok := declaration.(*ast.FuncDecl)
			if !ok || d.Name.Name != "main" || s.folder != "cmd/tend" {
				continue
			}
			if lines := s.set.Position(d.End()).Line - s.set.Position(d.Pos()).Line + 1; lines > 20 {
				t.Errorf("%s: main has %d lines, more than 20", s.name, lines)
			}
		}
	}
}

// called returns "package.Function" of a call.
func called(n ast.Node) string {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return ""
	}
	return selected(call.Fun)
}

func selected(n ast.Node) string {
	selector, ok := n.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	name, ok := selector.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return name.Name + "." + selector.Sel.Name
}
