// Package e2e is the tests of tend as a person meets it: the real binary, real programs as services, real databases.
//
// Each test has a world of its own (see world) and runs beside the others. What a test starts ends with it: the test
// process is the subreaper of everything below it, so nothing can get out of its sight, and whatever is left when a
// world ends, or when all tests have ended, is an error.
package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"tend/process"
)

// program is the binary under test.
var program string

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] { // what else this program is to tests
		case "one":
			os.Exit(one(os.Args[2:]))
		case "witness":
			os.Exit(witness(os.Args[2:]))
		case "obey":
			os.Exit(obey(os.Args[2:]))
		case "refuse":
			os.Exit(refuse(os.Args[2:]))
		}
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if inside() != "" { // process 1 has all of that
		program = os.Getenv("E2E_PROGRAM")
		return m.Run()
	}
	if err := process.Subreaper(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	syscall.Umask(0o022)
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // some tests run it as somebody else
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	program = filepath.Join(dir, "tend")
	build := exec.Command("go", "build", "-o", program, "tend/cmd/tend")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building tend: %v\n%s", err, out)
		return 1
	}
	if err := flag.Set("test.parallel", "8"); err != nil { // they wait more than they work; -parallel still decides
		fmt.Fprintln(os.Stderr, err)
	}
	status := m.Run()
	for _, p := range below(os.Getpid()) {
		fmt.Fprintf(os.Stderr, "FAIL: left behind by the tests: %s\n", p)
		kill(p.Identity)
		status = 1
	}
	return status
}
