package tend_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tend"
)

func TestCopies(t *testing.T) {
	damaged := tend.Service{Name: "bad", Broken: tend.Errorf(tend.CodeUsage, "bad")}
	three := tend.Service{Name: "web", Settings: tend.Settings{Instances: 3, Description: "x"}}
	for _, c := range []struct {
		definitions []tend.Service
		known       []string
		want        string // name/service/label, in order
	}{
		{nil, []string{"web@1"}, ""},
		{[]tend.Service{{Name: "web"}}, []string{"web@1"}, "web/web/web"},
		{[]tend.Service{{Name: "a"}, three}, nil, "a/a/a web/web/web@0 web@1/web/web@1 web@2/web/web@2"},
		{[]tend.Service{three, {Name: "web@1"}}, nil, "web/web/web@0 web@2/web/web@2 web@1/web@1/web@1"}, // an old name
		{[]tend.Service{damaged}, nil, "bad/bad/bad"},
		{[]tend.Service{damaged}, []string{"bad@1", "bad@12x", "bad@01", "other@5", "bad@2"}, "bad/bad/bad@0 bad@1/bad/bad@1 bad@2/bad/bad@2"},
	} {
		var got []string
		for _, s := range tend.Copies(c.definitions, c.known) {
			got = append(got, s.Name+"/"+s.Service()+"/"+s.Label())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	status := tend.NewStatus(three.CopyOf(1), tend.State{}, "", time.Time{})
	if status.Name != "web@1" || status.Definition.Name != "web" {
		t.Errorf("shown as %s of %s", status.Name, status.Definition.Name)
	}
}

func TestCopyOrder(t *testing.T) {
	copies := tend.Targets(tend.Copies([]tend.Service{{Name: "web", Settings: tend.Settings{Instances: 12}}, {Name: "web-x"}, {Name: "we"}}, nil))
	slices.Reverse(copies)
	slices.SortFunc(copies, tend.CompareCopies)
	var got []string
	for _, s := range copies {
		got = append(got, s.Name)
	}
	if want := "we web web@1 web@2 web@3 web@4 web@5 web@6 web@7 web@8 web@9 web@10 web@11 web-x"; strings.Join(got, " ") != want {
		t.Errorf("got %s", got)
	}
}

func TestSelectCopies(t *testing.T) {
	targets := tend.Targets(tend.Copies([]tend.Service{
		{Name: "db", Settings: tend.Settings{Tags: []string{"shop"}}}, {Name: "web", Settings: tend.Settings{Instances: 3, Tags: []string{"shop"}}},
	}, nil))
	for word, want := range map[string]string{
		"web": "web web@1 web@2", "web@0": "web", "web@2": "web@2", "db@0": "db", "w*": "web web@1 web@2", "web@*": "web web@1 web@2",
		"*@[12]": "web@1 web@2", "@shop": "db web web@1 web@2", "*1": "",
	} {
		got, err := tend.Select(targets, []string{word}, false)
		if strings.Join(got, " ") != want || (err != nil) != (want == "") {
			t.Errorf("%s: %v, %v", word, got, err)
		}
	}
	if _, err := tend.Select(targets, []string{"web@3"}, false); tend.CodeOf(err) != tend.CodeNoService {
		t.Errorf("got %v", err)
	}
}
