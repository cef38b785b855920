package manifest_test

import (
	"reflect"
	"strings"
	"testing"

	"tend"
	"tend/manifest"
)

func TestProcfile(t *testing.T) {
	got, err := manifest.ReadProcfile(strings.NewReader("# what runs\n\nweb:  bundle exec rails s -p $PORT | tee log:1\nworker_1: env QUEUE=* rake work # all\r\n  \nrelease:make"), "/srv/app")
	if err != nil {
		t.Fatal(err)
	}
	service := func(name, command, port string) tend.Service {
		return tend.Service{Name: name, CommandLine: command, WorkingDirectory: "/srv/app",
			Settings: tend.Settings{Shell: true, Restart: tend.RestartNo, Environment: map[string]string{"PORT": port}}}
	}
	want := []tend.Service{
		service("web", "bundle exec rails s -p $PORT | tee log:1", "5000"), service("worker_1", "env QUEUE=* rake work # all", "5100"), service("release", "make", "5200"),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestProcfileProblems(t *testing.T) {
	_, err := manifest.ReadProcfile(strings.NewReader("web: a\nweb: b\njust words\na/b: c\ndb:\n"), "/srv/app")
	for _, says := range []string{
		"/srv/app/Procfile:2:1: web: it is there already, in line 1", `/srv/app/Procfile:3:1: "just words" is not NAME: COMMAND`,
		`Procfile:4:1: the name "a/b" has a slash in it`, "Procfile:5:1: db: the command is empty",
	} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v\ndoes not say %s", err, says)
		}
	}
}
