package keeper

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tend"
)

func TestDirectory(t *testing.T) {
	base, home := t.TempDir(), t.TempDir()
	t.Setenv("TEND_RUNTIME", base)
	old := syscall.Umask(0o777)
	dir, err := Directory(filepath.Join(home, "server.sqlite"))
	syscall.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(dir); err != nil || info.Mode() != fs.ModeDir|0o700 || filepath.Dir(dir) != base || len(filepath.Base(dir)) != 12 {
		t.Errorf("Directory: %s, %v, %v", dir, info.Mode(), err)
	}
	if again, err := Directory(filepath.Join(home, "x/../server.sqlite")); err != nil || again != dir {
		t.Errorf("the same path, spelt differently: %s, %v", again, err)
	}
	if other, err := Directory(filepath.Join(home, "other.sqlite")); err != nil || other == dir {
		t.Errorf("another database: %s, %v", other, err)
	}
	os.Chmod(dir, 0o755)
	if _, err := Directory(filepath.Join(home, "server.sqlite")); err != nil {
		t.Errorf("open to others, and ours: %v", err)
	}
	if info, _ := os.Lstat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("it was left open: %v", info.Mode())
	}
}

// A database has one runtime directory, by whatever links one comes to it, and before and after it exists.
func TestDirectoryFollowsLinks(t *testing.T) {
	t.Setenv("TEND_RUNTIME", t.TempDir())
	home := t.TempDir()
	must(t, os.Mkdir(filepath.Join(home, "real"), 0o700))
	must(t, os.Symlink("real", filepath.Join(home, "dir")))
	must(t, os.Symlink("dir/db", filepath.Join(home, "link")))
	want, err := Directory(filepath.Join(home, "real/db"))
	must(t, err)
	for range 2 {
		for _, name := range []string{"dir/db", "link"} {
			if got, err := Directory(filepath.Join(home, name)); err != nil || got != want {
				t.Errorf("%s: %s, %v; want %s", name, got, err, want)
			}
		}
		must(t, os.WriteFile(filepath.Join(home, "real/db"), nil, 0o600))
	}
	must(t, os.Symlink("loop", filepath.Join(home, "loop")))
	if _, err := Directory(filepath.Join(home, "loop")); err == nil {
		t.Error("a link to itself is a database")
	}
	if _, err := Directory(filepath.Join(home, "missing/db")); err == nil {
		t.Error("a database in no directory has a runtime directory")
	}
}

func TestDirectoryRefuses(t *testing.T) {
	home := t.TempDir()
	database := filepath.Join(home, "server.sqlite")
	base := func() string { return t.TempDir() }
	within := func(base string) string {
		t.Setenv("TEND_RUNTIME", base)
		dir, err := Directory(database)
		must(t, err)
		must(t, os.Remove(dir))
		return dir
	}
	long := filepath.Join(base(), strings.Repeat("x", 90))
	tests := []struct {
		name    string
		prepare func() string // returns TEND_RUNTIME
		code    tend.Code
		want    string
	}{
		{"relative", func() string { return "run" }, tend.CodeUsage, "not an absolute path"},
		{"too long", func() string { return long }, tend.CodeUsage,
			fmt.Sprintf("is %d bytes long, and a socket's path has at most %d; set TEND_RUNTIME", len(long)+1+12+len("/sock.new"), socketPathSize()-1)},
		{"writable by others", func() string { b := base(); must(t, os.Chmod(b, 0o777)); return b }, tend.CodeFailed, "chmod go-w"},
		{"a file", func() string { b := filepath.Join(base(), "f"); must(t, os.WriteFile(b, nil, 0o600)); return b }, tend.CodeFailed, "is no directory"},
		{"under a file", func() string {
			b := filepath.Join(base(), "f")
			must(t, os.WriteFile(b, nil, 0o600))
			return b + "/run"
		}, tend.CodeFailed, "set TEND_RUNTIME"},
		{"a link inside", func() string { b := base(); must(t, os.Symlink(home, within(b))); return b }, tend.CodeFailed, "is a symbolic link"},
		{"a file inside", func() string { b := base(); must(t, os.WriteFile(within(b), nil, 0o600)); return b }, tend.CodeFailed, "is no directory"},
		{"foreign inside", func() string {
			b := base()
			dir := within(b)
			must(t, os.Mkdir(dir, 0o700))
			must(t, os.Chown(dir, 4242, 4242))
			return b
		}, tend.CodeFailed, "owned by user 4242"},
		{"foreign", func() string { b := base(); must(t, os.Chown(b, 4242, 4242)); return b }, tend.CodeFailed, "owned by user 4242"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if strings.HasPrefix(test.name, "foreign") && os.Getuid() != 0 {
				t.Skip("only root can give a directory away")
			}
			t.Setenv("TEND_RUNTIME", test.prepare())
			dir, err := Directory(database)
			if err == nil || tend.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Directory: %q, %v; want %s, %q", dir, err, test.code, test.want)
			}
			if _, err := os.Lstat(long); err == nil {
				t.Errorf("%s was made", long)
			}
		})
	}
}

func TestDirectoryByDefault(t *testing.T) {
	t.Setenv("TEND_RUNTIME", "")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	base, ours, err := baseDirectory()
	if want := fmt.Sprintf("/tmp/tend-%d", os.Getuid()); err != nil || base != want || !ours {
		t.Errorf("%s, %v, %v; want %s, which is ours", base, ours, err, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
