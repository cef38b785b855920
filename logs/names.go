package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Names returns the names of the services of which there is a log beside the database, sorted. It serves whoever cannot
// read the database. A name that was too long to be kept in the name of a file is not among them.
func Names(database string) ([]string, error) {
	entries, err := os.ReadDir(Directory(database))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("looking for logs: %w", err)
	}
	var names []string
	for _, entry := range entries {
		i := strings.LastIndex(entry.Name(), suffix)
		if i < 0 || !isPart(entry.Name()[i+len(suffix):]) {
			continue
		}
		if name, ok := unescape(entry.Name()[:i]); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// isPart reports whether a file with that behind the name of a log is a part of it: the live file, or an archive, whose name
// goes on with the offsets between which it is.
func isPart(rest string) bool {
	if rest == "" {
		return true
	}
	from, to, two := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(rest, "."), ".gz"), "-")
	_, errFrom := strconv.ParseInt(from, 10, 64)
	_, errTo := strconv.ParseInt(to, 10, 64)
	return rest[0] == '.' && two && errFrom == nil && errTo == nil
}

// unescape is the opposite of escape.
func unescape(file string) (name string, ok bool) {
	var out []byte
	for i := 0; i < len(file); i++ {
		if file[i] != '%' {
			out = append(out, file[i])
			continue
		}
		if i+3 > len(file) {
			break
		}
		b, err := strconv.ParseUint(file[i+1:i+3], 16, 8)
		if err != nil {
			break
		}
		out = append(out, byte(b))
		i += 2
	}
	name = string(out)
	if file == "%" {
		name = ""
	}
	return name, escape(name) == file // what is not ours has no name
}
