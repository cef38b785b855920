package tend_test

import (
	"strings"
	"testing"

	"tend"
)

func TestGlob(t *testing.T) {
	const dir = "/srv/[x] site"
	for _, test := range []struct{ pattern, base, means, not string }{
		{"app.py", dir, "app.py app.py/x/y", "x/app.py app.pyc xapp.py .app.py app.py/.git/x"},
		{"src", dir, "src src/a src/a/b.py", "lib/a srcs/a src/.git/HEAD src/a/.x"},
		{"*.py", dir, "a.py", "a.pyc x/a.py .a.py"},
		{"*", dir, "a b.c", ".env a/b"},
		{".env", dir, ".env", "env .envrc"},
		{".e*", dir, ".env .e", "e"},
		{"**", dir, "a a/b a/b/c", ".git/x a/.b .b a/.b/c"},
		{"**/*.go", dir, "a.go x/a.go x/y/z/a.go", "a.py x/.y/a.go .a.go"},
		{"src/**/*.py", dir + "/src", "src/a.py src/x/a.py src/x/y/a.py", "a.py lib/a.py src/a.pyc"},
		{"src/**/test/**", dir + "/src", "src/test/a src/x/test/y/z", "src/test src/x/a"},
		{"s?c/[a-c]*", dir, "src/a src/cx sxc/b", "src/d src/a/x"},
		{"./a//b/../c", dir + "/a", "a/c", "a/b c"},
		{"../lib/*.py", "/srv/lib", "../lib/a.py", "a.py lib/a.py"},
		{"/etc/*.conf", "/etc", "/etc/a.conf", "a.conf"},
		{`a\*b`, dir, "a*b", "axb"},
		{".git/HEAD", dir + "/.git", ".git/HEAD", ".git/index"},
	} {
		g, err := tend.ParseGlob(test.pattern, dir)
		if err != nil || g.Base() != test.base {
			t.Errorf("%s: %v, base %s", test.pattern, err, g.Base())
			continue
		}
		path := func(name string) string {
			if rest, up := strings.CutPrefix(name, "../"); up {
				return "/srv/" + rest
			}
			if name[0] == '/' {
				return name
			}
			return dir + "/" + name
		}
		for name := range strings.FieldsSeq(test.means) {
			p := path(name)
			if !g.Matches(p) {
				t.Errorf("%s does not match %s", test.pattern, p)
			}
			for above := p[:strings.LastIndexByte(p, '/')]; len(above) >= len(g.Base()); above = above[:strings.LastIndexByte(above, '/')] {
				if !g.Enters(above) {
					t.Errorf("%s does not enter %s, where it matches %s", test.pattern, above, p)
				}
			}
		}
		for name := range strings.FieldsSeq(test.not) {
			if g.Matches(path(name)) {
				t.Errorf("%s matches %s", test.pattern, path(name))
			}
		}
	}
	for pattern, says := range map[string]string{"": "not a pattern", "[": "not a pattern", "a**": "stands alone", "**.go": "stands alone", "/": "whole file system", "../../..": "whole", "a\x00": "not a pattern"} {
		if _, err := tend.ParseGlob(pattern, dir); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

func TestGlobStaysOut(t *testing.T) {
	for pattern, no := range map[string]string{
		"*.py": "/srv/x /", "src/**/*.py": "/srv/lib /srv/src/.git", "**": "/srv/.git /srv/a/.hg", "a/*/c": "/srv/a/b/c /srv/b", "*/x": "/srv/.a",
	} {
		g, err := tend.ParseGlob(pattern, "/srv")
		if err != nil {
			t.Fatal(err)
		}
		for dir := range strings.FieldsSeq(no) {
			if dir != "/" && g.Enters(dir) && !(pattern == "a/*/c" && dir == "/srv/a/b/c") { // c may be a directory
				t.Errorf("%s enters %s", pattern, dir)
			}
		}
	}
}

func TestScratch(t *testing.T) {
	for _, name := range []string{"a.py~", ".a.py.swp", "#a.py#", ".#a.py", "4913", "a.tmp", ".goutputstream-X"} {
		if !tend.Scratch(name) {
			t.Errorf("%s counts", name)
		}
	}
	for _, name := range []string{"a.py", "4913.txt", "tmp", "a#b", ".env"} {
		if tend.Scratch(name) {
			t.Errorf("%s does not count", name)
		}
	}
}
