package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// What packages do before main is paid by every process of tend, the keepers too.
const (
	startupBudget = 2500 * time.Microsecond // all packages together
	packageBudget = 500 * time.Microsecond  // any one of them
	startupRuns   = 40                      // of each package the fastest counts: what is slower is the machine's doing
)

func TestStartupBudget(t *testing.T) {
	program := filepath.Join(t.TempDir(), "tend")
	build := exec.Command("go", "build", "-o", program, "./cmd/tend")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building tend: %v\n%s", err, out)
	}

	fastest := map[string]time.Duration{}
	for range startupRuns {
		for name, took := range traceInit(t, program) {
			if before, known := fastest[name]; !known || took < before {
				fastest[name] = took
			}
		}
	}
	if len(fastest) == 0 {
		t.Fatal("no package was traced")
	}
	total := time.Duration(0)
	for name, took := range fastest {
		total += took
		if took > packageBudget {
			t.Errorf("%s takes %v before main, more than %v", name, took, packageBudget)
		}
	}
	t.Logf("%d packages take %v before main", len(fastest), total)
	if total > startupBudget {
		t.Errorf("all packages take %v before main, more than %v: %v", total, startupBudget, fastest)
	}
}

// traceInit runs the program once and returns how long each package took before main, the runtime aside. The format of
// the trace is in the documentation of package runtime, under GODEBUG.
func traceInit(t *testing.T, program string) map[string]time.Duration {
	t.Helper()
	line := regexp.MustCompile(`(?m)^init (\S+) @[\d.]+ ms, ([\d.]+) ms clock`)
	run := exec.Command(program, "--version")
	run.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("tend --version: %v\n%s", err, out)
	}
	took := map[string]time.Duration{}
	for _, match := range line.FindAllStringSubmatch(string(out), -1) {
		ms, err := strconv.ParseFloat(match[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		if match[1] != "runtime" {
			took[match[1]] = time.Duration(ms * float64(time.Millisecond))
		}
	}
	return took
}
