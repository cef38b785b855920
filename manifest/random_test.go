package manifest_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"tend"
	"tend/manifest"
)

var caller = tend.Caller{Directory: "/srv/site", Umask: 0o027, Environ: []string{"PATH=/bin", "HOME=/home/ann", "LANG=C", "PORT=8000"}}

// stranger applies what caller has exported: nothing of his may come into it.
var stranger = tend.Caller{Directory: "/elsewhere", Umask: 0o007, Environ: []string{"PATH=/usr/bin", "HOME=/root", "LC_ALL=C.UTF-8", "TZ=UTC"}}

// tries are texts that some option takes. Which, and what it makes of them, its own Set says.
var tries = []string{
	"true", "0", "1", "3", "20", "500", "-5", "never", "all", "unlimited", "022", "0", "250ms", "10s", "2h", "30d", "90",
	"64KiB", "10MB", "1.5GB", "1s..5m", "no", "always", "on-failure", "TERM/10/KILL/5", "HUP", "USR1", "3,4", "0,255", "0,2-3",
	"alive:1s", "tcp:80", "tcp:localhost:80", "http://127.0.0.1:80/health", "log:ready to serve", "command:test -f x", "notify", "notify:10s", "fd:3", "exit",
	"db", "cache", "shop", "größe-1", "nofile=4096", "nofile=1024:4096", "core=unlimited", "nproc=64", "idle", "best-effort:3", "realtime:0",
	"stop", "warn", "restart", "skip", "queue", "replace", "run", "@hourly", "*/5 * * * *", "0 3 * * 1-5", "UTC", "Europe/Berlin", "Local",
	"**/*.py", "conf/*.toml", "web=tcp:8000", "tcp:127.0.0.1:0", "unix:/tmp/web.sock", "udp:514",
	"https://example.org/hook", "notify-send tend", "ready,failed", "ended", "A=b", "EMPTY=", "A=b=c \"d\" \\ 'e'", "PORT",
	"plain", "time", "syslog", "syslog:udp:127.0.0.1:514", "command:logger -t web",
	"sub/file", "~/x", "/dev/null", "-.env", "?.env", ".env", "two  words", "ä \"quoted\" \\ 'and' # so = [on]", "\u2028", "\u200b",
}

// taken are the tries that each option takes, by key.
var taken = sync.OnceValue(func() map[string][]string {
	all := map[string][]string{}
	for i := range tend.Options {
		for _, text := range tries {
			var s tend.Service
			if o := &tend.Options[i]; o.Set(&s, text, caller) == nil {
				all[o.Key] = append(all[o.Key], text)
			}
		}
	}
	return all
})

func TestEveryOptionTakesSomething(t *testing.T) {
	for i := range tend.Options {
		if o := &tend.Options[i]; len(taken()[o.Key]) == 0 {
			t.Errorf("%s takes none of the texts that are tried here: add one that it takes", o.Key)
		}
	}
}

// anyService makes a definition by the options' own Set.
func anyService(t *rapid.T, name string) tend.Service {
	s := tend.Service{Name: name, WorkingDirectory: "/srv"}
	for i := range tend.Options {
		o := &tend.Options[i]
		values := slices.Clone(taken()[o.Key])
		if o.Key == "description" || o.Kind() == tend.KindTable {
			values = append(values, rapid.String().Draw(t, o.Key), "X="+rapid.String().Draw(t, o.Key))
		}
		most := 1
		if o.Repeat {
			most = 4
		}
		for _, value := range rapid.SliceOfN(rapid.SampledFrom(values), 0, most).Draw(t, o.Key) {
			_ = o.Set(&s, value, caller) // what it refuses is not set
		}
	}
	s.CommandLine = rapid.SampledFrom([]string{"serve", `python3 -m http.server "8 000"`, `sh -c 'a; "b"'`, "größe \\\\"}).Draw(t, "command")
	if s.Shell {
		s.CommandLine = "x" + strings.ReplaceAll(strings.ToValidUTF8(rapid.String().Draw(t, "shell command"), ""), "\x00", "")
	}
	return s
}

// TestExportIsAFixedPoint: what is written is read back as the same, by whomever, and written again as the same bytes.
func TestExportIsAFixedPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"web", "a b", "größe", "x.y", `"quoted"`, "42", "true", "db-1", "it's", "a=b", "#c"}), 1, 4, rapid.ID).Draw(t, "names")
		var services []tend.Service
		for _, name := range names {
			services = append(services, anyService(t, name))
		}
		slices.SortFunc(services, func(a, b tend.Service) int { return strings.Compare(a.Name, b.Name) })
		text := write(t, services)
		f, err := manifest.Read("tend.toml", text, manifest.Origin{Caller: stranger})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !reflect.DeepEqual(f.Services, services) {
			t.Fatalf("written: %+v\nread:    %+v\n%s", services, f.Services, text)
		}
		if again := write(t, f.Services); !bytes.Equal(again, text) {
			t.Fatalf("written as\n%s\nand then as\n%s", text, again)
		}
		if err := validate(t, text); err != nil {
			t.Fatalf("the schema: %v\n%s", err, text)
		}
	})
}

func write(t interface{ Fatal(...any) }, services []tend.Service) []byte {
	var b bytes.Buffer
	if err := manifest.Write(&b, services); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
