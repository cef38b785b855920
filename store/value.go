package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// timeLayout always has nine decimals, unlike RFC3339Nano, so that the order of the texts is that of the times.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// timeText is how a time stands in the database; the zero time is NULL.
func timeText(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(timeLayout)
}

func parseTime(text sql.NullString) (time.Time, error) {
	if !text.Valid {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text.String)
	if err != nil {
		return t, fmt.Errorf("reading a time: %w", err)
	}
	return t, nil
}

// nullable writes the zero value as NULL.
func nullable[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// document is a value as JSON text.
func document(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

// sqlEscape writes a text so that it can stand between single quotes.
func sqlEscape(text string) string { return strings.ReplaceAll(text, "'", "''") }
