package logs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// SentPath returns the file that says up to where a log that a service writes was sent on: beside the log, or, of a file that
// a user named, beside which nothing may be put, with the logs of the database.
func SentPath(database, service, file string) string {
	if file == Path(database, service) {
		return file + ".sent"
	}
	return filepath.Join(Directory(database), escape(service+" "+file)+".file.sent")
}

// HooksPath returns the file that says up to where the hooks of a service were told what happens to it. It lies with its log.
func HooksPath(database, service string) string {
	return filepath.Join(Directory(database), escape(service)+hooksSuffix)
}

const hooksSuffix = ".hooks"

// SweepHooks removes such files of services that are not named.
func SweepHooks(database string, services []string) error {
	names, err := listDirectory(Directory(database))
	if err != nil {
		return fmt.Errorf("looking for what hooks were told: %w", err)
	}
	kept := map[string]bool{}
	for _, service := range services {
		kept[filepath.Base(HooksPath(database, service))] = true
	}
	for _, name := range names {
		if strings.HasSuffix(name, hooksSuffix) && !kept[name] {
			err = errors.Join(err, os.Remove(filepath.Join(Directory(database), name)))
		}
	}
	return err
}
