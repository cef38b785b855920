package cli

import (
	"errors"
	"os/exec"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

func exitCode(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return strconv.Itoa(exit.ExitCode())
	}
	return err.Error()
}

// commandSame runs `same COMMAND…`: the database must say afterwards what it said before.
func commandSame(ts *testscript.TestScript, neg bool, args []string) {
	dump := func() string {
		ts.Check(ts.Exec("tend", "list", "--columns", "name,command,directory,log,tags,description"))
		return ts.ReadFile("stdout")
	}
	before := dump()
	if err := ts.Exec(args[0], args[1:]...); err == nil {
		ts.Fatalf("it worked")
	}
	said := ts.ReadFile("stderr")
	if after := dump(); after != before {
		ts.Fatalf("the list was\n%sand is\n%s", before, after)
	}
	ts.Logf("%s", said)
}
