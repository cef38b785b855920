package hook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// cursors are the ids of the last events that the hooks of one service were told of, by hook.
type cursors map[string]int64

// readCursors reads the file. One that is damaged is as good as not there.
func readCursors(path string) cursors {
	c := cursors{}
	if text, err := os.ReadFile(path); err == nil {
		_ = json.Unmarshal(text, &c)
	}
	return c
}

// write is not synced: what a crash of the machine takes back is told once more. Of no hooks there is no file.
func (c cursors) write(path string) error {
	if len(c) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("forgetting what hooks were told: %w", err)
		}
		return nil
	}
	text, err := json.Marshal(c)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = os.WriteFile(path+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("writing down what hooks were told: %w", err)
	}
	return nil
}
