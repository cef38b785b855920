package manifest_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"tend"
	"tend/manifest"
)

func read(text string) (*manifest.File, error) {
	return manifest.Read("tend.toml", []byte(text), manifest.Origin{Caller: caller})
}

func TestRead(t *testing.T) {
	f, err := read(`
[defaults]
restart = "always"
umask = 0o022
tags = ["all"]
environment.LEVEL = "info"
environment.PORT = 1

[services.web]
command = "serve --port 8000"
working_directory = "site"
stdout = "~/web.log"
success_codes = [3, 4]
give_up_after = 5
log_keep = "all"
log_max = 65536
healthy_after = 30
environment = { PORT = 8000, EMPTY = "" }

[services."a b"]
command_line = ["echo", "it's", "x y"]
restart = "no"
tags = []
inherit = false

[services.sh]
command = ["a | b"]
shell = true
environment = ["PORT", "X=1"]
`)
	if err != nil {
		t.Fatal(err)
	}
	mask, inherited := tend.Umask(0o022), func(more ...string) map[string]string {
		env := map[string]string{"PATH": "/bin", "HOME": "/home/ann", "LANG": "C", "LEVEL": "info"}
		for i := 0; i < len(more); i += 2 {
			env[more[i]] = more[i+1]
		}
		return env
	}
	want := []tend.Service{
		{Name: "web", CommandLine: "serve --port 8000", WorkingDirectory: "/srv/site/site", Stdout: "/home/ann/web.log", Settings: tend.Settings{
			Restart: tend.RestartAlways, Umask: &mask, Tags: []string{"all"}, SuccessCodes: []int{3, 4}, GiveUpAfter: 5, LogKeep: tend.KeepAll,
			LogMax: 65536, HealthyAfter: tend.Duration(30e9), Environment: inherited("PORT", "8000", "EMPTY", "")}},
		{Name: "a b", CommandLine: `echo it\'s 'x y'`, WorkingDirectory: "/srv/site", Settings: tend.Settings{
			Restart: tend.RestartNo, Umask: &mask, Environment: map[string]string{"LEVEL": "info", "PORT": "1"}}},
		{Name: "sh", CommandLine: "a | b", WorkingDirectory: "/srv/site", Settings: tend.Settings{Shell: true,
			Restart: tend.RestartAlways, Umask: &mask, Tags: []string{"all"}, Environment: inherited("PORT", "8000", "X", "1")}},
	}
	for i := range want {
		if i >= len(f.Services) || !reflect.DeepEqual(f.Services[i], want[i]) {
			t.Fatalf("want %+v\ngot  %+v", want[i], f.Services[i])
		}
	}
}

// TestMark: what some editors put at the beginning of a file is no part of it, and moves no place.
func TestMark(t *testing.T) {
	f, err := read("\ufeff[services.web]\ncommand = \"serve\"\n")
	if err != nil || len(f.Services) != 1 || f.Services[0].Name != "web" {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := read("\ufeffx = 1"); err == nil || !strings.HasPrefix(err.Error(), "tend.toml:1:1: x:") {
		t.Error(err)
	}
	services, err := manifest.ReadProcfile(strings.NewReader("\ufeffweb: serve\n"), "/srv/app")
	if err != nil || len(services) != 1 || services[0].Name != "web" {
		t.Errorf("%+v, %v", services, err)
	}
}

// TestExistingKeepsWhatItInherited: it makes no difference from which shell a file is applied again.
func TestExistingKeepsWhatItInherited(t *testing.T) {
	mask := tend.Umask(0o077)
	old := tend.Service{Name: "a/b", CommandLine: "x", Settings: tend.Settings{Umask: &mask,
		Environment: map[string]string{"PATH": "/old", "TZ": "UTC", "GONE": "1", "PORT": "1"}}}
	text := "[services.'a/b']\ncommand = 'x'\nenvironment.PORT = 2\nenvironment.LANG = 'de'"
	f, err := manifest.Read("-", []byte(text), manifest.Origin{Caller: caller, Existing: map[string]tend.Service{"a/b": old}})
	if err != nil { // its name, which would not be taken for a new one, included
		t.Fatal(err)
	}
	want := map[string]string{"PATH": "/old", "TZ": "UTC", "PORT": "2", "LANG": "de"}
	if got := f.Services[0]; !reflect.DeepEqual(got.Environment, want) || *got.Umask != mask {
		t.Errorf("%v %v", got.Environment, got.Umask)
	}
	if len(old.Environment) != 4 {
		t.Error("the old definition was changed")
	}
}

func TestProblems(t *testing.T) {
	const ok = "[services.web]\ncommand = 'x'\n"
	for _, test := range []struct{ text, says string }{
		// keys
		{ok + "restrat = 'no'", "tend.toml:3:1: services.web.restrat: there is no such key; did you mean restart?"},
		{ok + "'ü' = 1\nqqq = 1", "tend.toml:4:1: services.web.qqq: there is no such key; there are command, command_line, inherit, "},
		{ok + "tag = ['a']", "did you mean tags?"},
		{ok + "env = {}", "did you mean environment?"},
		{"[service.web]", "tend.toml:1:2: service: there is no such key; did you mean services?"},
		{"[zzz]\ncommand = 'x'", "a service is [services.zzz]"},
		{"[defaults]\ncommand = 'x'", "tend.toml:2:1: defaults.command: there is no such key"},
		{"services = 1", "tend.toml:1:12: services: 1 is not a table"},
		{"[services]\nweb = 'x'", "tend.toml:2:7: services.web: \"x\" is not a table"},
		// names
		{"[services.'a/b']\ncommand = 'x'", `tend.toml:1:11: services."a/b": the name "a/b" has a slash in it; choose another, for example "a-b"`},
		{"[services.'']\ncommand = 'x'", "is empty"},
		{"[[services.web]]\ncommand = 'x'", "tend.toml:1:1: [[services.web]] is an array of tables; a table is written as [services.web]"},
		// twice
		{ok + "[services.web]\n", "tend.toml:3:1: [services.web] is there already, in line 1"},
		{ok + "command = 'y'", "tend.toml:3:1: services.web.command: it is there already, in line 2"},
		{ok + "command_line = 'y'", "tend.toml:3:1: services.web.command_line: it is the same as command"},
		{ok + "environment = {A = '1', A = '2'}", "tend.toml:3:25: services.web.environment.A: it is there already, in line 3"},
		{ok + "[services.web.environment]\nA = '1'\n[services.web.environment]", "tend.toml:5:1: [services.web.environment] is there already, in line 3"},
		{ok + "environment = {}\n[services.web.environment]", "tend.toml:4:15: services.web.environment: it has a value already, in line 3"},
		{ok + "environment.A = '1'\n[services.web.environment]", "has a value already"},
		{ok + "[services.web.environment]\nA = '1'\n[services]\nweb.x = 1", "is there already"},
		{ok + "environment = {}\nenvironment.A = '1'", "is there already"},
		{ok + "shell.x = true\nshell = true", "is there already"},
		// types
		{ok + "shell = 'yes'", `tend.toml:3:9: services.web.shell: "yes" is not true or false`},
		{ok + "shell = 1", "1 is not true or false"},
		{ok + "restart = true", "tend.toml:3:11: services.web.restart: true is not a text in quotes"},
		{ok + "restart = ['no']", "tend.toml:3:11: services.web.restart: an array is not a text in quotes"},
		{ok + "tags = 'a'", `tend.toml:3:8: services.web.tags: "a" is not an array of texts in quotes; write ["a"]`},
		{ok + "tags = [\n 'a',\n 1]", "tend.toml:5:2: services.web.tags[1]: 1 is not a text in quotes"},
		{ok + "give_up_after = 1.5", "1.5 is not a whole number, or a word in quotes"},
		{ok + "umask = 22", `22 is not an octal number ("022", or 0o022)`},
		{ok + "umask = 022", "tend.toml:3:9: integers cannot have leading zeroes"},
		{ok + "environment = 1", "1 is not a table of NAME = VALUE"},
		{ok + "environment = 'x'", `tend.toml:3:15: services.web.environment: "x" is not a table of NAME = VALUE`},
		{ok + "environment.DEBUG = [1]", `services.web.environment.DEBUG: an array is not a text in quotes`},
		{ok + "environment.DEBUG = true", `services.web.environment.DEBUG: true is not a text in quotes; write "true"`},
		{ok + "environment.PORT = 0x10", `write "0x10"`},
		{ok + "environment.A.B = '1'", "tend.toml:3:13: services.web.environment.A: a table is not a text in quotes"},
		{ok + "inherit = 'no'", "services.web.inherit: \"no\" is not true or false"},
		{ok + "success_codes = [300]", `services.web.success_codes: "300" is not an exit status`},
		{ok + "success_codes = [[1]]", "services.web.success_codes[0]: an array is not one of"},
		{"[services.web]\ncommand = 1", "1 is neither a text in quotes nor an array of words"},
		{"[services.web]\ncommand = ['a', 1]", "tend.toml:2:17: services.web.command[1]: 1 is not a text"},
		// values, of which the options say what is wrong
		{ok + "restart = 'maybe'", `tend.toml:3:11: services.web.restart: "maybe" is not a restart policy (no, on-failure or always)`},
		{ok + "environment = ['NOPE']", "tend.toml:3:16: services.web.environment[0]: NOPE is not set in your environment"},
		{ok + "environment.TEND_RUN = 'x'", "TEND_RUN is set by tend itself"},
		{ok + "tags = ['a b']", "services.web.tags[0]: \"a b\" is not a tag"},
		{ok + "log_max = 1", "services.web.log_max: \"1\" is too small for a log"},
		{"[defaults]\nrestart = 'maybe'\n" + ok + "[services.db]\ncommand = 'x'", "tend.toml:2:11: defaults.restart: \"maybe\" is not"},
		// commands
		{"[services.web]", "tend.toml:1:11: services.web: it has no command"},
		{"[services.web]\ncommand = ''", "tend.toml:2:11: services.web.command: the command is empty"},
		{"[services.web]\ncommand = []", "the command is empty"},
		{"[services.web]\ncommand = \"a 'b\"", "a quote or backslash at its end is left open"},
		{"[services.web]\ncommand = \"a\\u0000\"", "zero byte"},
		{"[services.web]\ncommand = ' '\nshell = true", "the command is empty"},
		// grammar
		{ok + "restart = no", "tend.toml:3:11: "},
		{ok + "äö = 1", "tend.toml:3:1: "},
		{"[services.web", "tend.toml:1:"},
		{ok + "restart = \"no", "tend.toml:3:"},
		{ok + "\xff", "tend.toml:3:1: "},
	} {
		_, err := read(test.text)
		if err == nil || !strings.Contains(err.Error(), test.says) || tend.CodeOf(err) != tend.CodeUsage {
			t.Errorf("%s\nsays %v\nnot  %s", test.text, err, test.says)
		}
	}
}

// TestProblemsAtOnce: each is said once, in the order of the file, and ten at most.
func TestProblemsAtOnce(t *testing.T) {
	_, err := read("[defaults]\nqqq = 1\n[services.web]\nshell = 1\n[services.db]\ncommand = ''\n")
	want := "tend.toml:2:1: defaults.qqq: there is no such key; there are inherit, working_directory,"
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], want) || !strings.Contains(lines[1], ":3:11:") || !strings.Contains(lines[2], ":4:9:") || !strings.Contains(lines[3], ":6:11:") {
		t.Errorf("%s", err)
	}
	_, err = read(strings.Repeat("[services.'a/b']\n", 1) + strings.Repeat("[services.web]\n", 20))
	if lines := strings.Split(err.Error(), "\n"); len(lines) != 11 || lines[10] != "… and 9 more" {
		t.Errorf("%s", err)
	}
}

// TestStrictAsTheLibrary: what TOML does not allow is not read, and the other way round.
func TestStrictAsTheLibrary(t *testing.T) {
	for _, text := range []string{
		"", "[services]", "services = {}", "[services.web]\ncommand='x'\n[services]", "[services]\n[services]", "services.web.command = 'x'",
		"services.web.command = 'x'\nservices.web.shell = true", "services.web.command = 'x'\n[services.db]\ncommand='y'", "services.web.command = 'x'\n[services]",
		"services.web.command = 'x'\n[services.web]\nshell=true", "services = {web = {command = 'x'}}", "services = {web = {command = 'x'}}\n[services.db]\ncommand='x'",
		"[services.web]\ncommand='x'\nenvironment.A='1'\nenvironment.B='1'", "[services.web]\ncommand='x'\nenvironment.A='1'\n[services.web.environment]\nB='1'",
		"[services.web.environment]\nA='1'\n[services.web]\ncommand='x'", "[services.web.environment]\nA='1'\n[services.web]\ncommand='x'\nenvironment.B='1'",
		"[services.web]\ncommand='x'\n[services.web.environment]\nA='1'\nA='2'", "[services.web]\ncommand='''x\ny'''", "[services.web]\r\ncommand='x'\r\n", "[services.web]\rcommand='x'",
		"[services.web]\ncommand='x' shell=true", "[services.web]\ncommand='x'\ntags=['a',]", "[services.web]\ncommand='x'\nenvironment={A='1',}",
	} {
		var v map[string]any
		theirs, _ := toml.Unmarshal([]byte(text), &v), 0
		if _, ours := read(text); (ours == nil) != (theirs == nil) {
			t.Errorf("%q\nours:   %v\ntheirs: %v", text, ours, theirs)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("[services.web]\ncommand = 'x'\nenvironment = {A = [1, {b = 2}]}\n[defaults]\ntags = ['a']")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := read(text)
		if err != nil {
			return
		}
		out := write(t, file.Services)
		again, err := manifest.Read("x", out, manifest.Origin{Caller: stranger})
		if err != nil || len(again.Services) != len(file.Services) {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
