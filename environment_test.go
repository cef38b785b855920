package tend_test

import (
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tend"
)

// The rules of docs/environment.md, each with an example.
func TestParseEnvironmentFile(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"":                                     {},
		"\n  \n\t# PORT=1\n#\n\r\n":            {},
		"PORT=8000":                            {"PORT": "8000"},
		"\ufeffPORT=8000\r\nHOST=::1\r\n":      {"PORT": "8000", "HOST": "::1"},
		"  PORT = 8000  \n":                    {"PORT": "8000"},
		"export PORT=1\nexport\tHOST=x":        {"PORT": "1", "HOST": "x"},
		"export=1":                             {"export": "1"},
		"A=1\nA=2":                             {"A": "2"},
		"A=\nB= # nothing":                     {"A": "", "B": ""},
		"A=b c  # words":                       {"A": "b c"},
		"A=#b#c":                               {"A": "#b#c"},
		"A=é # the e":                          {"A": "é"},
		`A=$HOME/${x}\n"q" 'r'`:                {"A": `$HOME/${x}\n"q" 'r'`},
		"A=b=c==":                              {"A": "b=c=="},
		"A='$x \\n \"b\" # c'  # d":            {"A": `$x \n "b" # c`},
		`A="a\n\r\t\\\"\$\` + "`" + `\d $x #"`: {"A": "a\n\r\t\\\"$`\\d $x #"},
		`A="C:\\new"`:                          {"A": `C:\new`},
		"A=\"-----BEGIN\nx\n-----END\"\nB=1":   {"A": "-----BEGIN\nx\n-----END", "B": "1"},
		"A='one\r\ntwo'\r\nB=1\r\n":            {"A": "one\ntwo", "B": "1"},
		"A=\"one \\\ntwo\"":                    {"A": "one two"},
		"my.key-1=x":                           {"my.key-1": "x"},
	} {
		got, err := tend.ParseEnvironmentFile(text)
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%q: %q, %v; not %q", text, got, err, want)
		}
	}
}

func TestEnvironmentFilesSayWhatIsWrong(t *testing.T) {
	for text, says := range map[string]string{
		"A=1\n\nhunter2\n":             "line 3: there is no =",
		"A=1\nexport A":                "line 2: there is no =",
		"=hunter2":                     "line 1: there is no name",
		"1A=hunter2":                   "line 1: what stands before =",
		"hunter2/+=":                   "line 1: what stands before =",
		"A B=hunter2":                  "line 1: what stands before =",
		"A=\"x\ny\nTEND_RUN=hunter2":   "line 1: a double quote is opened",
		"B=1\nA='hunter2":              "line 2: a single quote is opened",
		`A="hunter2\"`:                 "line 1: a double quote is opened",
		"A=\"x\ny\" z":                 "line 2: something stands behind",
		"A='it''s hunter2'":            "line 1: something stands behind",
		"A='x'# hunter2":               "line 1: something stands behind",
		"B='\n\n'\n\nTEND_RUN=hunter2": "line 5: TEND_RUN is set by tend itself",
		"B=1\nA=hunter2\x00":           "line 2: the value of A has a zero byte",
	} {
		_, err := tend.ParseEnvironmentFile(text)
		if err == nil || !strings.HasPrefix(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v; not %q", text, err, says)
		}
	}
}

// Whatever a value is, single or double quotes can hold it.
func TestQuotesHoldAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := strings.NewReplacer("\x00", "", "\r", "").Replace(rapid.String().Draw(t, "value"))
		text := `A="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(want) + `"`
		if !strings.Contains(want, "'") {
			text += "\nB='" + want + "'"
		}
		got, err := tend.ParseEnvironmentFile(text + "\nC=1")
		if b, ok := got["B"]; err != nil || got["A"] != want || got["C"] != "1" || ok && b != want {
			t.Fatalf("%q is read as %q, %v", text, got, err)
		}
	})
}

func TestMergeEnvironment(t *testing.T) {
	definition := map[string]string{"PORT": "1", "PATH": "/bin", "HOME": "/home/ann", "LC_ALL": "C"}
	files := map[string]string{"PORT": "2", "PATH": "/opt/bin", "LC_ALL": "de_DE", "SECRET": "x"}
	want := map[string]string{"PORT": "1", "PATH": "/opt/bin", "HOME": "/home/ann", "LC_ALL": "de_DE", "SECRET": "x"}
	if got := tend.MergeEnvironment(definition, files); !maps.Equal(got, want) || files["PORT"] != "2" {
		t.Errorf("%v", got)
	}
	if got := tend.MergeEnvironment(nil, nil); got == nil || len(got) != 0 {
		t.Errorf("nothing is %v", got)
	}
}
