package store

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tend"
)

const nobody = 65534

// openAs opens the database as another user and returns what it says. /proc/self/exe leads that user to this binary,
// which stands in a directory of ours.
func openAs(t *testing.T, uid uint32, path string) string {
	t.Helper()
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{"store.test", path}, Dir: "/", Env: []string{"STORE_TEST_HELPER=open"}}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return string(out)
}

// nobodysDirectory is a directory that belongs to another user, on a path that everybody may walk.
func nobodysDirectory(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	if _, err := os.Stat("/proc/self/exe"); err != nil {
		t.Skip("no /proc")
	}
	top, err := os.MkdirTemp("", "tend-store-")
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(top) })
	check(t, os.Chmod(top, 0o755))
	dir := filepath.Join(top, "home")
	check(t, os.Mkdir(dir, 0o700))
	check(t, os.Chown(dir, nobody, nobody))
	return dir
}

func TestAnotherUser(t *testing.T) {
	dir := nobodysDirectory(t)
	path := filepath.Join(dir, "server.sqlite")
	expect := func(uid uint32, want ...string) {
		t.Helper()
		got := openAs(t, uid, path)
		for _, part := range want {
			if !strings.Contains(got, part) {
				t.Errorf("got %q, want …%s…", got, part)
			}
		}
		if len(want) == 0 && got != "" {
			t.Errorf("got %q", got)
		}
	}
	expect(nobody) // makes it
	_, err := Open(background, path, Existing)
	wantError(t, err, tend.CodeFailed, fmt.Sprintf("belongs to another user (uid %d, you are 0)", nobody), "export SERVER_FILE=")
	expect(nobody-1, "error 1", "cannot be", "permission denied", "export SERVER_FILE=")

	check(t, os.Chmod(dir, 0o500))
	expect(nobody, "error 1", "the directory "+dir+" of the database cannot be written: permission denied", "chmod u+rwx "+dir)
	check(t, os.Chmod(dir, 0o755))
	expect(nobody-1, "error 1", "the directory "+dir+" of the database cannot be written: permission denied", "export SERVER_FILE=")
	check(t, os.Chmod(path, 0o000))
	expect(nobody, "error 1", "cannot be read and written (mode 0000)", "chmod 600 "+path)
	check(t, os.Chmod(path, 0o600))
	check(t, os.Chown(path, 0, 0))
	expect(nobody, "error 1", "belongs to another user (uid 0, you are 65534)")
}

// large is a service whose definition takes that many bytes.
func large(name string, size int) tend.Service {
	s := simple(name)
	s.Description = strings.Repeat("x", size)
	return s
}

// helpNarrow adds a large service where no file may grow beyond a limit.
func helpNarrow(args []string) error {
	signal.Ignore(syscall.SIGXFSZ)
	s, err := Open(background, args[0], Existing)
	if err != nil {
		return err
	}
	defer s.Close()
	limit := unix.Rlimit{Cur: 128 << 10, Max: 128 << 10}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	return s.Add(background, large("large", 1<<20))
}

func TestFileSizeLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.sqlite")
	made(t, path)
	out, _ := again("narrow", path).CombinedOutput()
	for _, part := range []string{"error 1", "adding large: ", path, "ulimit -f"} {
		if !strings.Contains(string(out), part) {
			t.Errorf("got %q, want …%s…", out, part)
		}
	}
	wholeWithOneService(t, openStore(t, path, Existing))
}

// wholeWithOneService checks that the database is as made() has made it, and works.
func wholeWithOneService(t *testing.T, s *Store) {
	t.Helper()
	var verdict string
	check(t, s.conn.QueryRowContext(background, "PRAGMA quick_check").Scan(&verdict))
	services, err := s.Services(background)
	check(t, err)
	if verdict != "ok" || len(services) != 1 || services[0].Name != "web" {
		t.Errorf("quick_check %s, services %+v", verdict, services)
	}
	check(t, s.Add(background, large("more", 1000)))
}
