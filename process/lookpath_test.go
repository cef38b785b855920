package process

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestLookPath(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"one/run": 0o755, "two/run": 0o755, "one/plain": 0o644, "two/plain": 0o755, "only": 0o755, "one/locked": 0o600} {
		os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755)
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	os.MkdirAll(filepath.Join(dir, "one/folder"), 0o755)
	path := dir + "/one:" + dir + "/two"
	tests := []struct{ name, path, want, err string }{
		{"run", path, dir + "/one/run", ""},
		{"run", "two:one", dir + "/two/run", ""}, // relative to the service's directory
		{"plain", path, dir + "/two/plain", ""},  // as execvp(3): what is not executable is passed over
		{"only", "one::two", dir + "/only", ""},  // an empty entry is the directory
		{"sh", "", "/usr/bin/sh", ""},
		{"./only", "", dir + "/only", ""},
		{"one/run", "/nowhere", dir + "/one/run", ""},
		{"/bin/sh", "/nowhere", "/bin/sh", ""},
		{"only", path, "", `cannot find "only": no such program in PATH (` + path + `)`},
		{"nobody", "", "", `cannot find "nobody": no such program in PATH (/usr/local/bin:/usr/bin:/bin)`},
		{"", path, "", `cannot find "": no such program in PATH (` + path + `)`},
		{"folder", path, "", `cannot find "folder": no such program in PATH (` + path + `)`},
		{"locked", path, "", `cannot execute "` + dir + `/one/locked": permission denied (its mode is -rw-------; chmod +x makes a program of it)`},
		{"./one", path, "", `cannot execute "./one": it is a directory`},
		{"./none", path, "", `cannot execute "./none": no such file or directory`},
		{"./only/x", path, "", `cannot execute "./only/x": not a directory`},
	}
	for _, test := range tests {
		got, err := LookPath(test.name, dir, test.path)
		if test.err == "" {
			if err != nil || got != test.want {
				t.Errorf("%q in %q: got %q, %v; want %q", test.name, test.path, got, err, test.want)
			}
			continue
		}
		var failed *StartError
		if !errors.As(err, &failed) || err.Error() != test.err {
			t.Errorf("%q in %q: got %q, %v; want %s", test.name, test.path, got, err, test.err)
		}
	}
}
