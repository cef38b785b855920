package tend

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Glob is a pattern for paths, as watch takes it: *, ? and [a-z] stand for part of a name, ** for directories, none or many.
// As in a shell, none of them stands for a name that begins with a dot, unless the pattern has that dot; that leaves out
// what versions are kept in and what most editors make beside a file. A pattern whose last name is spelled out means, if that
// is a directory, everything in it.
type Glob struct {
	parts []string // of an absolute path
	plain int      // so many of them, at the beginning, are names and no patterns
}

// anyDepth is the part that stands for directories.
const anyDepth = "**"

// ParseGlob reads a pattern; a relative one is relative to the directory, which is absolute and never a pattern.
func ParseGlob(text, directory string) (Glob, error) {
	if err := checkGlob(text); err != nil {
		return Glob{}, err
	}
	base := splitPath(directory)
	if strings.HasPrefix(text, "/") {
		base = nil
	}
	parts := slices.Clone(base)
	plain := len(parts)
	for _, part := range strings.Split(text, "/") {
		switch {
		case part == "" || part == ".":
		case part == "..":
			parts = parts[:max(0, len(parts)-1)]
			plain = min(plain, len(parts))
		default:
			if plain == len(parts) && !strings.ContainsAny(part, `*?[\`) {
				plain++
			}
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return Glob{}, fmt.Errorf("%q is the whole file system", text)
	}
	return Glob{parts, plain}, nil
}

func checkGlob(text string) error {
	_, err := path.Match(text, "")
	if text == "" || err != nil || strings.ContainsRune(text, 0) {
		return fmt.Errorf("%q is not a pattern for files (for example src, *.py, 'src/**/*.go')", text)
	}
	for _, part := range strings.Split(text, "/") {
		if strings.Contains(part, anyDepth) && part != anyDepth {
			return fmt.Errorf("%q is not a pattern for files: ** stands alone between slashes, as in src/**/*.go", text)
		}
	}
	return nil
}

func splitPath(p string) []string {
	return strings.FieldsFunc(p, func(r rune) bool { return r == '/' })
}

// Base is the deepest directory that everything that the pattern means is in.
func (g Glob) Base() string {
	return "/" + strings.Join(g.parts[:min(g.plain, len(g.parts)-1)], "/")
}

// Matches reports whether the pattern means the file.
func (g Glob) Matches(file string) bool {
	names := splitPath(file)
	if g.match(g.parts, names, 0, false) {
		return true
	}
	return g.wholeDirectory() && g.match(append(slices.Clone(g.parts), anyDepth), names, 0, false)
}

// Enters reports whether the pattern may mean something in the directory, at any depth.
func (g Glob) Enters(directory string) bool {
	parts := g.parts
	if g.wholeDirectory() {
		parts = append(slices.Clone(parts), anyDepth)
	}
	return g.match(parts, splitPath(directory), 0, true)
}

// wholeDirectory reports whether the last part is a name, which may be that of a directory.
func (g Glob) wholeDirectory() bool {
	last := g.parts[len(g.parts)-1]
	return g.plain == len(g.parts) || !strings.ContainsAny(last, `*?[\`)
}

// match compares the names with the parts, of which the first is part number at. With within, they may be the beginning only
// of something that fits.
func (g Glob) match(parts, names []string, at int, within bool) bool {
	for len(parts) > 0 && len(names) > 0 {
		if parts[0] == anyDepth && at >= g.plain {
			if g.match(parts[1:], names, at+1, within) {
				return true
			}
			if hidden(names[0]) {
				return false
			}
			if len(parts) == 1 && len(names) == 1 && !within {
				return true
			}
			names = names[1:]
			continue
		}
		if !g.fits(parts[0], names[0], at) {
			return false
		}
		parts, names, at = parts[1:], names[1:], at+1
	}
	if within {
		return len(names) == 0 && len(parts) > 0
	}
	return len(names) == 0 && len(parts) == 0
}

// fits compares one name with one part.
func (g Glob) fits(part, name string, at int) bool {
	if at < g.plain {
		return part == name
	}
	if hidden(name) && !strings.HasPrefix(part, ".") {
		return false
	}
	ok, _ := path.Match(part, name)
	return ok
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") }

// Scratch reports whether a file of that name is one that an editor or a build makes for a moment.
func Scratch(name string) bool {
	switch {
	case strings.HasSuffix(name, "~"), strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#"), strings.HasPrefix(name, ".#"):
		return true
	case name == "4913", strings.HasPrefix(name, ".goutputstream-"), strings.HasPrefix(name, ".nfs"), strings.Contains(name, "___jb_"):
		return true // of vim, which tries whether it may write; of GNOME; of NFS; of JetBrains
	}
	for _, end := range []string{".swp", ".swo", ".swx", ".swpx", ".tmp", ".part", ".crdownload"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// setWatch adds a pattern. It stays relative: the working directory may be changed.
func setWatch(s *Service, value string, c Caller) error {
	if strings.HasPrefix(value, "~/") {
		value = c.Absolute("~") + value[1:]
	}
	if _, err := ParseGlob(value, "/x/y"); err != nil {
		return err
	}
	if !slices.Contains(s.Watch, value) {
		s.Watch = append(slices.Clone(s.Watch), value)
	}
	return nil
}
