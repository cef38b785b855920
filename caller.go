package tend

import (
	"path/filepath"
	"strings"
)

// Caller is what a definition takes from whoever makes it: everything that a service would otherwise inherit from a
// shell by accident is taken once, on purpose, and written down.
type Caller struct {
	Directory string   // working directory, absolute
	Environ   []string // NAME=value
	Umask     Umask
}

// inherited are the variables that a service gets from its caller unasked; a trailing * stands for any ending.
var inherited = []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_*", "TZ", "VIRTUAL_ENV"}

// Environment returns the variables that a new service takes from the caller.
func (c Caller) Environment() map[string]string {
	env := map[string]string{}
	for _, entry := range c.Environ {
		if name, value, _ := strings.Cut(entry, "="); Inherited(name) {
			env[name] = value
		}
	}
	return env
}

// Inherited reports whether a new service takes the variable from the caller unasked.
func Inherited(name string) bool {
	for _, pattern := range inherited {
		prefix, wild := strings.CutSuffix(pattern, "*")
		if name == pattern || wild && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// Getenv returns the value of the caller's variable.
func (c Caller) Getenv(name string) (value string, found bool) {
	for _, entry := range c.Environ {
		if rest, ok := strings.CutPrefix(entry, name+"="); ok {
			value, found = rest, true
		}
	}
	return value, found
}

// Absolute makes a path absolute, seen from the caller; ~ and ~/… mean the caller's HOME.
func (c Caller) Absolute(path string) string {
	if path == "~" || strings.HasPrefix(path, "~/") {
		if home, ok := c.Getenv("HOME"); ok && home != "" {
			path = home + path[1:]
		}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(c.Directory, path)
	}
	return filepath.Clean(path)
}

// NewService returns the definition that `add` makes when no option is given.
func (c Caller) NewService(name, commandLine string) Service {
	umask := c.Umask
	return Service{
		Name: name, CommandLine: commandLine, WorkingDirectory: c.Directory,
		Settings: Settings{Environment: c.Environment(), Umask: &umask},
	}
}
