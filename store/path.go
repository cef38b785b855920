package store

import (
	"fmt"
	"path/filepath"

	"tend"
)

// Path is where the database is: $SERVER_FILE, else server.sqlite in the home directory, as the 2008 script had it.
func Path(getenv func(string) string) (string, error) {
	if file := getenv("SERVER_FILE"); file != "" {
		path, err := filepath.Abs(file)
		if err != nil {
			return "", fmt.Errorf("finding the database %s: %w", file, err)
		}
		return path, nil
	}
	home := getenv("HOME")
	if !filepath.IsAbs(home) {
		problem := "HOME is not set"
		if home != "" {
			problem = fmt.Sprintf("HOME (%s) is not an absolute path", home)
		}
		return "", tend.Errorf(tend.CodeUsage, "%s, so there is no place for the database", problem).
			WithHint("say where it is: export SERVER_FILE=/path/to/server.sqlite")
	}
	return filepath.Join(home, "server.sqlite"), nil
}
