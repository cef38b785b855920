package house

import (
	"slices"
	"strings"
	"testing"
)

// mayImport is the architecture: which of our own packages a package may import. It may import none above it.
// A package that is not here is not in the house yet: give it a row, and doc.go of the root package a line.
var mayImport = map[string][]string{
	".":           {},
	"process":     {"."},
	"logs":        {".", "internal/fault"},
	"environment": {"."},
	"manifest":    {"."},
	"store":       {".", "internal/fault"},
	"keeper":      {".", "process", "internal/fault"},
	"watch":       {".", "keeper"},
	"hook":        {".", "task", "internal/fault"},
	"notify":      {}, // what goes over a socket
	"forward":     {".", "process", "logs"},
	"listen":      {".", "process"},
	"task":        {".", "process"},
	"probe":       {".", "logs", "task"},
	"api":         {"."}, // what the server needs of a supervisor it declares itself
	"supervisor":  {".", "process", "logs", "environment", "listen", "forward", "task", "notify", "probe", "watch", "hook", "store", "keeper", "internal/fault"},
	"cli":         {".", "process", "logs", "environment", "manifest", "store", "keeper", "supervisor", "api", "internal/fault"},
	"cmd/tend":    {".", "process", "keeper", "supervisor", "cli"},
	"bench":       {},

	"internal/campaign": {".", "process", "logs", "store", "keeper", "internal/fault"},

	"internal/fault":   {},
	"internal/house":   {},
	"internal/testenv": {},
}

// onlyIn says where an import is at home; "…/" at the end stands for whatever is below. Nobody else may have it.
var onlyIn = map[string][]string{
	"database/sql…/":                    {"store"},
	"modernc.org/…/":                    {"store"},
	"github.com/pressly/goose/v3…/":     {"store"},
	"embed":                             {"store", "cli", "bench", "internal/campaign"},
	"net/http…/":                        {"api", "probe", "hook"},
	"github.com/spf13/cobra…/":          {"cli"},
	"github.com/spf13/pflag…/":          {"cli"},
	"charm.land/…/":                     {"cli"},
	"golang.org/x/term":                 {"cli"},
	"github.com/pelletier/go-toml/…/":   {"manifest"},
	"github.com/santhosh-tekuri/…/":     {}, // tests
	"github.com/fsnotify/fsnotify":      {"logs", "keeper"},
	"os/exec":                           {"process", "bench", "internal/campaign", "internal/testenv"},
	"testing…/":                         {"internal/testenv"},
	"github.com/rogpeppe/go-internal…/": {},
	"pgregory.net/rapid":                {},
	"go.uber.org/goleak":                {},
	"unsafe":                            {"process", "keeper", "logs"},
	"C":                                 {},
}

// forbidden is what a package must do without, besides.
var forbidden = map[string][]string{
	// the domain decides; it does not act, and it does not look at the world
	".": {"os…/", "net…/", "io…/", "syscall", "golang.org/x/…/", "math/rand…/", "crypto/rand", "context", "sync…/", "runtime…/", "log…/"},
	// what sits between a service and the kernel must not depend on anything that can be slow, or down
	"process": {"net…/", "encoding/json", "log…/"},
	"keeper":  {"net/…/"},
	"logs":    {"net…/", "encoding/json", "log…/"},
	"store":   {"net", "log…/"},
}

func TestImportsGoDown(t *testing.T) {
	for _, s := range sources(t) {
		allowed, known := mayImport[s.folder]
		if !known {
			t.Errorf("%s: the package %s is not in the table mayImport", s.name, s.folder)
			continue
		}
		for _, path := range s.imports() {
			own, ok := ours(path)
			if ok && !slices.Contains(allowed, own) {
				t.Errorf("%s imports %s, which %s may not", s.name, path, s.folder)
			}
		}
	}
}

func TestForbiddenImports(t *testing.T) {
	for _, s := range sources(t) {
		for _, path := range s.imports() {
			for pattern, homes := range onlyIn {
				if matches(pattern, path) && !slices.Contains(homes, s.folder) {
					t.Errorf("%s imports %s, which only %v may", s.name, path, homes)
				}
			}
			for _, pattern := range forbidden[s.folder] {
				if matches(pattern, path) {
					t.Errorf("%s imports %s, which %s must do without", s.name, path, s.folder)
				}
			}
		}
	}
}

// ours returns the folder of a package of this module.
func ours(path string) (folder string, ok bool) {
	if path == "tend" {
		return ".", true
	}
	return strings.CutPrefix(path, "tend/")
}

// matches reports whether the pattern means the path: "a" itself, "a…/" also all that is below, "a/…/" only that.
func matches(pattern, path string) bool {
	prefix, below := strings.CutSuffix(pattern, "…/")
	if !below {
		return pattern == path
	}
	if strings.HasSuffix(prefix, "/") {
		return strings.HasPrefix(path, prefix)
	}
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, path string
		want          bool
	}{
		{"os", "os", true}, {"os", "os/exec", false},
		{"os…/", "os", true}, {"os…/", "os/exec", true}, {"os…/", "ostrich", false},
		{"net/…/", "net", false}, {"net/…/", "net/http", true},
	} {
		if matches(test.pattern, test.path) != test.want {
			t.Errorf("matches(%q, %q) is not %v", test.pattern, test.path, test.want)
		}
	}
}
