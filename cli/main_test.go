package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary itself the tend of the scripts, and of the keepers that it starts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tend": func() { os.Exit(Main()) }, "database": writeDatabase})
}

// TestScript runs the scripts in testdata/script: each command, and each error, as a person types and sees it.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			runtime, err := os.MkdirTemp("", "tend") // short: the path of a socket has 108 bytes at most
			if err != nil {
				return err
			}
			home := filepath.Join(env.WorkDir, "home")
			env.Setenv("HOME", home)
			env.Setenv("TEND_RUNTIME", runtime)
			env.Setenv("SERVER_FILE", "")
			env.Setenv("TERM", "dumb")
			env.Setenv("LANG", "C.UTF-8")
			env.Defer(func() { leave(t, env, runtime) })
			return os.MkdirAll(home, 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": commandStatus, "refused": commandRefused, "interrupt": commandInterrupt, "killtend": commandKillTend, "stoptend": commandStopTend,
		},
		Condition: func(name string) (bool, error) {
			if name == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
	})
}

// commandStatus runs `status N COMMAND…`: the command must end with that exit status.
func commandStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = exitCode(err)
	}
	if got != args[0] {
		ts.Fatalf("the exit status is %s, not %s", got, args[0])
	}
}
