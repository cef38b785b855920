package tend_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tend"
)

var shop = []tend.Target{
	{Name: "db", Tags: []string{"shop", "data"}},
	{Name: "odd name/with:things"},
	{Name: "web*"},
	{Name: "web1", Tags: []string{"shop"}},
	{Name: "web2", Tags: []string{"shop"}},
	{Name: "@odd"},
}

func TestSelect(t *testing.T) {
	for _, c := range []struct {
		words string
		want  string
	}{
		{"", ""},
		{"web1", "web1"},
		{"web2|web1", "web2|web1"},              // the order of the words
		{"web1|web1|w*|web1", "web1|web*|web2"}, // each once
		{"web*", "web*"},                        // an exact name before a pattern
		{"web?", "web*|web1|web2"},              // the order of the services
		{"web[12]", "web1|web2"},                //
		{"*", "db|odd name/with:things|web*|web1|web2|@odd"},
		{"odd*", "odd name/with:things"},   // * matches a slash
		{"*with*", "odd name/with:things"}, //
		{"odd name/with:things", "odd name/with:things"},
		{"odd?name/*", "odd name/with:things"},
		{`web\*`, "web*"}, // a pattern whose star means itself
		{"@shop", "db|web1|web2"},
		{"@data|@shop", "db|web1|web2"},
		{"@odd", "@odd"}, // an exact name before a tag
		{"@o*", "@odd"},
	} {
		var words []string
		if c.words != "" {
			words = strings.Split(c.words, "|")
		}
		got, err := tend.Select(shop, words, false)
		if err != nil || strings.Join(got, "|") != c.want {
			t.Errorf("%s: %q, %v", c.words, got, err)
		}
	}
	if got, err := tend.Select(shop, nil, true); len(got) != len(shop) || err != nil {
		t.Errorf("all: %q, %v", got, err)
	}
	if got, err := tend.Select(nil, nil, true); len(got) != 0 || err != nil {
		t.Errorf("all of none: %q, %v", got, err)
	}
}

func TestSelectNothing(t *testing.T) {
	for _, c := range []struct {
		services []tend.Target
		word     string
		says     string
		service  string
	}{
		{nil, "web", "no such service: web; there is none yet: tend run NAME -- COMMAND", "web"},
		{shop, "wbe1", "no such service: wbe1; did you mean web1?", "wbe1"},
		{shop, "quite another", "no such service: quite another; tend list", "quite another"},
		{shop, "", "no such service: ; tend list", ""},
		{shop, "x*", "no service matches x*; tend list", ""},
		{shop, "[", "no service matches [; tend list", ""},
		{shop, "@shpo", "no service has the tag @shpo; did you mean @shop?", ""},
		{shop, "@sho", "no service has the tag @sho; did you mean @shop?", ""},
		{shop, "@web1", "no service has the tag @web1; tend list", ""},
	} {
		words := []string{c.word}
		if len(c.services) > 0 {
			words = []string{"web1", c.word}
		}
		names, err := tend.Select(c.services, words, false)
		if err == nil || names != nil {
			t.Errorf("%q: %q", c.word, names)
			continue
		}
		if e := err.(*tend.Error); e.Error() != c.says || e.Code != tend.CodeNoService || e.Service != c.service {
			t.Errorf("%q: %q about %q", c.word, e, e.Service)
		}
	}
}

func TestNearest(t *testing.T) {
	commands := []string{"add", "initialize", "list", "remove", "restart", "start", "status", "stop", "db"}
	for word, want := range map[string]string{
		"":        "",
		"start":   "start",
		"strat":   "start", // a swap
		"stp":     "stop",  // missing
		"stopp":   "stop",  // surplus
		"rmove":   "remove",
		"init":    "initialize", // begins with it
		"sta":     "start",      // the first that does
		"LIST":    "list",
		"lits":    "list",
		"bd":      "db",
		"x":       "", // to change all is no likeness
		"ad":      "add",
		"web":     "",
		"frobozz": "",
		"dä":      "db",
	} {
		if got := tend.Nearest(word, commands); got != want {
			t.Errorf("%q: %q, not %q", word, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		candidates := rapid.SliceOfN(rapid.String(), 0, 5).Draw(t, "candidates")
		before := slices.Clone(candidates)
		near := tend.Nearest(rapid.String().Draw(t, "word"), candidates)
		if near != "" && !slices.Contains(candidates, near) || !slices.Equal(before, candidates) {
			t.Fatalf("%q of %q, which were %q", near, candidates, before)
		}
	})
}
