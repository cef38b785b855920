package forward

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"tend"
	"tend/logs"
)

// cursor says up to where a log was sent, and which command has it.
type cursor struct {
	sent    int64 // an offset in the log's stream
	command tend.Identity
	place   tend.Place // of the command
}

// readCursor reads the file. One that holds anything else is as good as none: fs.ErrNotExist.
func readCursor(path string) (c cursor, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("reading how much of a log was sent: %w", err)
	}
	first, rest, _ := strings.Cut(string(text), "\n")
	if n, _ := fmt.Sscanf(first, "%d", &c.sent); n != 1 || c.sent < 0 {
		return cursor{}, fmt.Errorf("%q does not say how much of a log was sent: %w", path, fs.ErrNotExist)
	}
	var id tend.Identity
	var place tend.Place
	if n, _ := fmt.Sscanf(rest, "command %d %d %q %d %q", &id.PID, &id.Start, &place.Boot, &place.Namespace, &place.Host); n == 5 {
		c.command, c.place = id, place
	}
	return c, nil
}

func (c cursor) text() string {
	text := fmt.Sprintln(c.sent)
	if !c.command.IsZero() {
		text += fmt.Sprintf("command %d %d %q %d %q\n", c.command.PID, c.command.Start, c.place.Boot, c.place.Namespace, c.place.Host)
	}
	return text
}

// write replaces the file. It is not synced: what a crash of the machine takes back is sent once more.
func (c cursor) write(path string) error {
	err := os.WriteFile(path+".new", []byte(c.text()), 0o600)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("writing down how much of a log was sent: %w", err)
	}
	return nil
}

// begin has the sending of a log begin at its present end, if it has not begun yet. Only one may do this at a time.
func begin(t Target) (cursor, error) {
	c, err := readCursor(t.Cursor)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	if c.sent, err = endOf(t.Log); err != nil {
		return c, err
	}
	return c, c.write(t.Cursor)
}

// forget has the sending of a log begin anew, should it be asked for again.
func forget(t Target) { _ = os.Remove(t.Cursor) }

// endOf returns how long the stream of a log is, 0 where there is none.
func endOf(log string) (int64, error) {
	s, err := logs.OpenStream(log)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer s.Close()
	return s.End()
}
