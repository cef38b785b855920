package tend_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tend"
)

func TestCheckName(t *testing.T) {
	for _, name := range []string{"web", "a", "Web_1.b-c", "größe", "a b", "名前", "x:y", "...", "a-", "0", "~", strings.Repeat("x", tend.MaxNameLength)} {
		if err := tend.CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for name, says := range map[string]string{
		"":                       "is empty",
		strings.Repeat("ä", 51):  "102 bytes long, 100 are allowed",
		"\xff":                   "not valid UTF-8",
		".":                      "means a directory",
		"..":                     "means a directory",
		" web":                   "begins or ends with a blank",
		"web\n":                  "begins or ends with a blank",
		"-web":                   "begins like an option",
		"@web":                   "has an @ in it",
		"web@0":                  "has an @ in it",
		"a/b":                    "has a slash",
		"a\x00b":                 "control character",
		"a\tb":                   "control character",
		"a\x1b[31mb":             "control character",
		"a\u0085b":               "control character",
		"a\u2028b":               "control character",
		"web*":                   "pattern character",
		"web?":                   "pattern character",
		"we[b]":                  "pattern character",
		`a\b`:                    "pattern character",
		"\u00a0web":              "begins or ends with a blank",
		strings.Repeat("x", 101): "101 bytes long",
	} {
		err := tend.CheckName(name)
		if err == nil || !strings.Contains(err.Error(), says) || tend.CodeOf(err) != tend.CodeUsage {
			t.Errorf("%q: %v does not say %q", name, err, says)
		}
	}
}

// TestSuggestedName: the name that an error suggests is a good one.
func TestSuggestedName(t *testing.T) {
	bad := rapid.OneOf(rapid.String(), rapid.StringMatching(`[-@./ a-c*]{1,10}`), rapid.StringMatching(`[ -]{90,110}x{0,20}/`))
	rapid.Check(t, func(t *rapid.T) {
		name := bad.Draw(t, "name")
		err := tend.CheckName(name)
		if err == nil || len(name) > tend.MaxNameLength {
			t.Skip()
		}
		_, hint, _ := strings.Cut(err.Error(), `for example "`)
		if suggested := strings.TrimSuffix(hint, `"`); tend.CheckName(suggested) != nil {
			t.Fatalf("%q: it suggests %q", name, suggested)
		}
	})
}

func TestSuccess(t *testing.T) {
	s := tend.Service{Settings: tend.Settings{SuccessCodes: []int{3}}}
	for _, good := range []tend.Exit{{}, {Code: 3}} {
		if !s.Success(good) {
			t.Errorf("%+v is no success", good)
		}
	}
	for _, bad := range []tend.Exit{{Code: 1}, {Signal: "TERM"}, {Signal: "SEGV", Core: true}, {Unknown: true}, {Lost: "reboot"}, {Error: "no such file"}} {
		if s.Success(bad) {
			t.Errorf("%+v is a success", bad)
		}
	}
}

func TestExitInWords(t *testing.T) {
	for want, e := range map[string]tend.Exit{
		"exited with status 0":                  {},
		"exited with status 3":                  {Code: 3},
		"was killed by SIGKILL":                 {Signal: "KILL"},
		"was killed by SIGSEGV (core dumped)":   {Signal: "SEGV", Core: true},
		"ended, nobody can say how":             {Unknown: true},
		"was lost by reboot":                    {Lost: "reboot"},
		"could not be started: no such command": {Error: "no such command"},
	} {
		if e.String() != want {
			t.Errorf("%q, not %q", e, want)
		}
	}
}
