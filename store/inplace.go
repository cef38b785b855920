package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"tend"
)

// ErrReplaced says that another file has taken the place of the database.
var ErrReplaced = errors.New("another file has taken the place of the database")

// InPlace reports, as an error, that the file at the path is not the one that was opened: fs.ErrNotExist if there is
// none any more, ErrReplaced if there is another. SQLite notices neither, and goes on with a file that nobody sees.
func (s *Store) InPlace() error {
	now, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e := tend.Errorf(tend.CodeFailed, "the database %s is not there any more", s.path)
		e.Err = err
		return e.WithHint("put it back; what runs goes on running")
	case err != nil:
		return fmt.Errorf("looking for the database: %w", err)
	case !os.SameFile(now, s.file):
		return fmt.Errorf("%w %s", ErrReplaced, s.path)
	}
	return nil
}
