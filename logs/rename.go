package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ErrTaken means that there is a log of that name already.
var ErrTaken = errors.New("there is a log of that name already")

// Rename gives the log of a service, with all that lies beside it, another service's name, and returns what moves it back; on an
// error nothing is moved. It is for a service that rests. files are those that it was to write to instead of a log of its own: of these only the note
// moves up to where they were sent on. The live file comes last: whoever dies before that is followed by one who goes on.
func Rename(database, old, new string, files ...string) (undo func(), err error) {
	from, to := Path(database, old), Path(database, new)
	moves := map[string]string{}
	names, err := listDirectory(filepath.Dir(from))
	if err != nil {
		return nil, fmt.Errorf("looking for the log of %s: %w", old, err)
	}
	for _, name := range names {
		rest, ours := strings.CutPrefix(name, filepath.Base(from))
		if ours && (isPart(rest) || slices.Contains([]string{".index", ".marks", ".sent"}, rest)) {
			moves[from+rest] = to + rest
		}
	}
	for _, file := range files {
		if _, err := os.Lstat(SentPath(database, old, file)); err == nil {
			moves[SentPath(database, old, file)] = SentPath(database, new, file)
		}
	}
	for _, target := range moves {
		if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: %s", ErrTaken, target)
		}
	}
	if hooks := HooksPath(database, old); slices.Contains(names, filepath.Base(hooks)) {
		moves[hooks] = HooksPath(database, new) // where one is left, no service has it
	}
	return move(moves, from)
}

// move renames the files, the one named last at the end.
func move(moves map[string]string, last string) (undo func(), err error) {
	var order []string
	for from := range moves {
		if from != last {
			order = append(order, from)
		}
	}
	slices.Sort(order)
	if _, ok := moves[last]; ok {
		order = append(order, last)
	}
	var done []string
	undo = func() {
		for _, from := range done {
			_ = os.Rename(moves[from], from)
		}
	}
	for _, from := range order {
		err := os.Rename(from, moves[from])
		if errors.Is(err, fs.ErrNotExist) {
			continue // an archive that was dropped just now
		}
		if err != nil {
			undo()
			return nil, fmt.Errorf("renaming a log: %w", err)
		}
		done = append(done, from)
	}
	if len(order) == 0 {
		return undo, nil
	}
	if err := syncDirectory(filepath.Dir(last)); err != nil {
		undo()
		return nil, fmt.Errorf("renaming a log: %w", err)
	}
	return undo, nil
}
