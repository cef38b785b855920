package logs

import "path/filepath"

// SentPath returns the file that says up to where a log that a service writes was sent on: beside the log, or, of a file that
// a user named, beside which nothing may be put, with the logs of the database.
func SentPath(database, service, file string) string {
	if file == Path(database, service) {
		return file + ".sent"
	}
	return filepath.Join(Directory(database), escape(service+" "+file)+".file.sent")
}
