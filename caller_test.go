package tend_test

import (
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tend"
)

func TestCallerEnvironment(t *testing.T) {
	want := map[string]string{"PATH": "/bin:/usr/bin", "HOME": "/home/ann", "USER": "ann", "LC_ALL": "C.UTF-8", "LANG": "C"}
	if got := caller.Environment(); !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
	inherited := map[string]bool{"PATH": true, "HOME": true, "USER": true, "LOGNAME": true, "SHELL": true, "LANG": true, "TZ": true, "VIRTUAL_ENV": true}
	rapid.Check(t, func(t *rapid.T) {
		c := tend.Caller{Environ: rapid.SliceOf(rapid.StringMatching(`(PATH|HOME|LC_[A-Z]?|LANG|TZ|SHELL|[A-Z_]{0,5})[A-Z_]{0,2}(=.*)?`)).Draw(t, "environment")}
		for name := range c.Environment() {
			if !inherited[name] && !strings.HasPrefix(name, "LC_") {
				t.Fatalf("%s leaks in", name)
			}
		}
	})
}

func TestCallerGetenv(t *testing.T) {
	for name, want := range map[string]string{"PORT": "8000", "EMPTY": ""} {
		if got, found := caller.Getenv(name); got != want || !found {
			t.Errorf("%s: %q, %v", name, got, found)
		}
	}
	for _, name := range []string{"POR", "PORT=", "NOPE", ""} {
		if got, found := caller.Getenv(name); found {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestCallerAbsolute(t *testing.T) {
	for path, want := range map[string]string{
		"/a/../b": "/b", "x": "/srv/site/x", "": "/srv/site", "..": "/srv", "~": "/home/ann", "~/x": "/home/ann/x", "~ann": "/srv/site/~ann", "a/~": "/srv/site/a/~",
	} {
		if got := caller.Absolute(path); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
	if got := (tend.Caller{Directory: "/d"}).Absolute("~/x"); got != "/d/~/x" {
		t.Errorf("~ without a HOME: %s", got)
	}
}

func TestNewService(t *testing.T) {
	s := caller.NewService("web", "serve --now")
	if s.Name != "web" || s.CommandLine != "serve --now" || s.WorkingDirectory != "/srv/site" || *s.Umask != 0o027 || s.Environment["USER"] != "ann" {
		t.Errorf("%+v", s)
	}
}
