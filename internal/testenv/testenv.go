// Package testenv says what a test needs of the machine it runs on.
//
// Where that is missing the test is skipped, with a word about it. In CI nothing may be missing: there the test fails,
// so that no promise goes untested without anybody noticing.
package testenv

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// InCI reports whether the machine was made to have everything; .ci/run says so with TEND_CI=1.
func InCI() bool { return os.Getenv("TEND_CI") == "1" }

// Need skips the test where one of the programs is not installed.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	var missing []string
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, program)
		}
	}
	if len(missing) > 0 {
		Missing(t, "not installed: "+strings.Join(missing, ", "))
	}
}

// NeedRoot skips the test where it is not run by root.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "not run by root")
	}
}

// Missing skips the test, or in CI fails it, because of what is missing.
func Missing(t testing.TB, what string) {
	t.Helper()
	if InCI() {
		t.Fatal("this machine was to have everything, but: " + what)
	} else {
		t.Skip(what)
	}
}
