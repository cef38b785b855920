package logs

import (
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPath(t *testing.T) {
	for name, want := range map[string]string{
		"web":          "web.log",
		"web@1":        "web@1.log",
		"größe":        "größe.log",
		"a b":          "a%20b.log",
		"a/b":          "a%2Fb.log",
		"a%2Fb":        "a%252Fb.log",
		"..":           "%2E..log",
		".hidden":      "%2Ehidden.log",
		"-rf":          "%2Drf.log",
		"x.log":        "x.log.log",
		"\n\x00":       "%0A%00.log",
		"\xff":         "%FF.log",
		"\ufffd":       "\ufffd.log",
		"line\u2028":   "line%E2%80%A8.log",
		"":             "%.log",
		"$(id);`id`&*": "%24%28id%29%3B%60id%60%26%2A.log",
	} {
		got := Path("/home/me/server.sqlite", name)
		if got != "/home/me/server.sqlite-logs/"+want {
			t.Errorf("Path(%q) = %q, want …/%q", name, got, want)
		}
	}
}

// names draws names of all bytes, and more often than chance would such as look like an escaped one.
func names() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.StringOfN(rapid.RuneFrom([]rune("%~2EF.-/ab")), 0, 12, -1),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 400), func(b []byte) string { return string(b) }),
		rapid.Map(rapid.StringN(100, 400, -1), strings.ToLower),
	)
}

func TestEveryNameHasAFileOfItsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name, other := names().Draw(t, "name"), names().Draw(t, "other")
		file := escape(name)
		if name != other && file == escape(other) {
			t.Fatalf("%q and %q are both kept in %q", name, other, file)
		}
		if again := escape(file); again == file && strings.Contains(file, "%") {
			t.Fatalf("the service %q and one named %q are both kept in %q", name, file, file)
		}
		if back, ok := unescape(file); ok == strings.Contains(file, "%~") || ok && back != name {
			t.Fatalf("%q of %q leads back to %q, %v", file, name, back, ok)
		}
	})
}

func TestAFileNameIsSafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		path := Path("/d", names().Draw(t, "name"))
		file := filepath.Base(path)
		switch {
		case filepath.Dir(path) != "/d-logs":
			t.Fatalf("%q is outside of the directory", path)
		case len(file) > 255-20:
			t.Fatalf("%q is %d bytes long", file, len(file))
		case strings.HasPrefix(file, ".") || strings.HasPrefix(file, "-"):
			t.Fatalf("%q is hidden, or looks like an option", file)
		case strings.ContainsAny(file, "\x00\n\r\t '\"\\/*?[]$`&;|<>(){}!#\x1b\x7f"):
			t.Fatalf("%q has an unsafe character in it", file)
		}
	})
}
