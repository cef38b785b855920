package logs

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOpenInput(t *testing.T) {
	directory := t.TempDir()
	plain, pipe := filepath.Join(directory, "plain"), filepath.Join(directory, "pipe")
	write(t, plain, "text")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", plain, pipe} {
		file, err := OpenInput(path)
		if err != nil {
			t.Errorf("OpenInput(%q): %v", path, err)
			continue
		}
		if descriptorFlags(t, file)&syscall.O_NONBLOCK != 0 {
			t.Errorf("reading from %q does not block", path)
		}
		file.Close()
	}
	for path, want := range map[string]string{
		directory:                      "it is a directory; name a file in it",
		filepath.Join(directory, "no"): "there is no such file; touch ",
		filepath.Join(plain, "a"):      "not a directory; ",
	} {
		file, err := OpenInput(path)
		if err == nil {
			file.Close()
			t.Errorf("OpenInput(%q) worked", path)
		} else if !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "cannot read input from ") {
			t.Errorf("OpenInput(%q): %v, want … %s", path, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(directory, "no")); err == nil {
		t.Error("OpenInput made a file")
	}
}
