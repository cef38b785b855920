package cli

import (
	"strings"
	"testing"

	"github.com/kballard/go-shellquote"
	"pgregory.net/rapid"
)

func TestScanWords(t *testing.T) {
	for line, want := range map[string]wordScan{
		`sleep 10`:        {},
		`echo 'a;b'`:      {},
		`echo "a;b"`:      {},
		`echo a\;b`:       {},
		`echo a;b`:        {shell: ";"},
		`a && b`:          {shell: "&&"},
		`a || b`:          {shell: "||"},
		`a &`:             {shell: "&"},
		`a | b`:           {shell: "|"},
		`a >> b`:          {shell: ">>"},
		`a 2>&1`:          {shell: ">"},
		`echo $HOME/x`:    {shell: "$HOME"},
		`echo "x $HOME"`:  {shell: "$HOME"},
		`echo '$HOME'`:    {},
		`echo 5$`:         {},
		`echo $(date)`:    {shell: "$("},
		"echo `date`":     {shell: "`"},
		`ls *.txt`:        {shell: "*"},
		`cat ~/x`:         {shell: "~"},
		`cat a~`:          {},
		`echo "a`:         {open: "a double quote", column: 6},
		`echo "a\"`:       {open: "a double quote", column: 6},
		`ä 'b`:            {open: "a single quote", column: 3},
		`echo 'it'"'"'s'`: {},
		`echo \`:          {open: "a backslash", column: 6},
	} {
		if got := scanWords(line); got != want {
			t.Errorf("%s: %+v, not %+v", line, got, want)
		}
	}
}

// TestScanAgreesWithSplit: a quote is open for us exactly when it is for the library that splits.
func TestScanAgreesWithSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"a", " ", "'", `"`, `\`, "\n", "$", "ä", ";"})).Draw(t, "line"), "")
		_, err := shellquote.Split(line)
		scan := scanWords(line)
		if (err != nil) != (scan.open != "") {
			t.Fatalf("%q: %v, and %+v", line, err, scan)
		}
		if n := len([]rune(line)); scan.open != "" && (scan.column < 1 || scan.column > n) {
			t.Fatalf("%q: column %d of %d", line, scan.column, n)
		}
	})
}

// TestJoinSplits: words after -- come back as they were.
func TestJoinSplits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-z "'\\$;é]{0,6}`), 1, 5).Draw(t, "words")
		line, err := commandLine(&command{}, arguments{words: append([]string{"web"}, words...), dash: 1}, false)
		if err != nil {
			t.Fatal(err)
		}
		back, err := shellquote.Split(line)
		if err != nil || strings.Join(back, "\x00") != strings.Join(words, "\x00") {
			t.Fatalf("%q became %q: %v", words, back, err)
		}
	})
}
