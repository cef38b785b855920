package logs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tend"
)

func TestOpenAppends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	first, second := mustOpen(t, path), mustOpen(t, path)
	for _, file := range []*os.File{first, second, first} {
		if _, err := file.WriteString(file.Name()[:1]); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, path); got != "///" {
		t.Errorf("the file holds %q", got)
	}
}

func TestOpenGivesANewFileExactlyItsPermissions(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o777))
	for _, perm := range []os.FileMode{0o600, 0o640, 0o666} {
		path := filepath.Join(t.TempDir(), "a.log")
		file, err := Open(path, perm)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if got := mode(t, path); got != perm {
			t.Errorf("mode %o, want %o", got, perm)
		}
	}
}

func TestOpenLeavesThePermissionsOfAnOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	write(t, path, "old\n")
	if err := os.Chmod(path, 0o664); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path)
	if got := mode(t, path); got != 0o664 {
		t.Errorf("mode %o", got)
	}
}

func TestOpenFollowsALinkToNothingYet(t *testing.T) {
	directory := t.TempDir()
	link, target := filepath.Join(directory, "link"), filepath.Join(directory, "target")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if _, err := mustOpen(t, link).WriteString("x"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, target); got != "x" {
		t.Errorf("the target holds %q", got)
	}
}

func TestOpenTakesDevices(t *testing.T) { mustOpen(t, os.DevNull) }

// A service that finds its output not ready must wait, as for any file.
func TestWhatIsOpenedBlocks(t *testing.T) {
	for _, path := range []string{os.DevNull, filepath.Join(t.TempDir(), "a.log")} {
		if flags := descriptorFlags(t, mustOpen(t, path)); flags&syscall.O_NONBLOCK != 0 {
			t.Errorf("%s does not block", path)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	directory := t.TempDir()
	plain := filepath.Join(directory, "plain")
	write(t, plain, "")
	pipe := filepath.Join(directory, "pipe")
	readPipe := filepath.Join(directory, "read-pipe")
	for _, p := range []string{pipe, readPipe} {
		if err := syscall.Mkfifo(p, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reader, err := os.OpenFile(readPipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()

	for _, test := range []struct{ path, want string }{
		{directory, "it is a directory; name a file in it"},
		{pipe, "it is a pipe or a socket; name a file"},
		{readPipe, "it is a pipe or a socket; name a file"},
		{filepath.Join(directory, "no", "a.log"), `there is no directory "` + directory + `/no"; mkdir -p ` + directory + "/no"},
		{filepath.Join(plain, "a.log"), "part of the path is not a directory"},
		{filepath.Join(directory, strings.Repeat("x", 300)), "file name too long"},
	} {
		file, err := Open(test.path, 0o600)
		if err == nil {
			file.Close()
			t.Errorf("Open(%q) worked", test.path)
			continue
		}
		var ours *tend.Error
		if !errors.As(err, &ours) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "cannot write output to ") {
			t.Errorf("Open(%q): %v, want … %s", test.path, err, test.want)
		}
	}
}

// root may write anywhere, so the refusal is made up.
func TestAMissingPermissionIsSaid(t *testing.T) {
	err := cannotWrite("/x/a.log", &os.PathError{Op: "open", Path: "/x/a.log", Err: syscall.EACCES})
	want := `cannot write output to "/x/a.log": permission denied; name a file that you may write to`
	if err.Error() != want || !errors.Is(err, os.ErrPermission) {
		t.Errorf("%v", err)
	}
}

func mustOpen(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := Open(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func descriptorFlags(t *testing.T, file *os.File) int {
	t.Helper()
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, file.Fd(), syscall.F_GETFL, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	return int(flags)
}
