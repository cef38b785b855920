package probe

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestALineIsFoundWhenItIsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	write(t, path, "listening on 80\n") // by a run before
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	found := make(chan error)
	go func() { found <- Line(ctx, path, int64(len("listening on 80\n")), "^listening on [0-9]+$") }()
	select {
	case err := <-found:
		t.Fatal("it found what a run before had written: ", err)
	case <-time.After(50 * time.Millisecond):
	}
	write(t, path, "not listening on 80\nlistening ")
	write(t, path, "on 80\n")
	if err := <-found; err != nil {
		t.Error(err)
	}
}

func TestALogThatIsNotThereYetIsWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	found := make(chan error)
	go func() { found <- Line(ctx, path, 0, "ready") }()
	write(t, path, "I am ready") // without an end
	if err := <-found; err != nil {
		t.Error(err)
	}
}

func TestWhoWaitsForALineCanBeToldToStop(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	found := make(chan error)
	go func() { found <- Line(ctx, filepath.Join(t.TempDir(), "log"), 0, "ready") }()
	cancel()
	if err := <-found; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestALogIsReadWhereNothingTellsOfIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	write(t, path, "starting\r\nready\r\n")
	check, _ := newMatcher("^ready$", 0)
	if !check.read(path) {
		t.Error("it is there")
	}
	if check, _ := newMatcher("nowhere", 0); check.read(path) || check.next != int64(len("starting\r\nready\r\n")) {
		t.Error("it is not there")
	}
}
