package tend_test

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tend"
)

var caller = tend.Caller{
	Directory: "/srv/site",
	Umask:     0o027,
	Environ: []string{"PATH=/bin:/usr/bin", "HOME=/home/ann", "USER=ann", "LC_ALL=C.UTF-8", "LANG=C", "SSH_AUTH_SOCK=/tmp/agent",
		"PORT=8000", "EMPTY=", "AWS_SECRET=hush", "LANGUAGE=en", "PATHEXT=x", "BAD=\xff"},
}

// TestOptions has good and bad values for every key of the table.
func TestOptions(t *testing.T) {
	type good struct{ value, get string } // get: as Get gives it; "" for the value itself, "-" for unset
	type bad struct{ value, says string }
	table := map[string]struct {
		good []good
		bad  []bad
	}{
		"working_directory": {
			[]good{{"/tmp", ""}, {"sub", "/srv/site/sub"}, {"../x/.", "/srv/x"}, {"~", "/home/ann"}, {"~/a b", "/home/ann/a b"}, {"~bob", "/srv/site/~bob"}},
			[]bad{{"", "not a path"}, {"a\x00b", "not a path"}},
		},
		"stdin":            {[]good{{"/dev/null", ""}, {"in.txt", "/srv/site/in.txt"}}, []bad{{"", "not a path"}}},
		"stdout":           {[]good{{"/dev/null", ""}, {"log/out", "/srv/site/log/out"}}, []bad{{"", "not a path"}}},
		"stderr":           {[]good{{"/dev/null", ""}, {"~/err", "/home/ann/err"}}, []bad{{"", "not a path"}}},
		"shell":            {[]good{{"true", ""}, {"1", "true"}, {"false", "-"}}, []bad{{"", "neither true nor false"}, {"yes", "neither true nor false"}}},
		"environment":      {[]good{{"A=b", ""}, {"A=", ""}, {"A=b=c d", ""}, {"PORT", "PORT=8000"}, {"EMPTY", "EMPTY="}}, []bad{{"", "NAME=VALUE"}, {"=x", "NAME=VALUE"}, {"NOPE", "NOPE=VALUE"}, {"TEND_RUN=1", "set by tend"}, {"A\x00=1", "NAME=VALUE"}, {"A=\x00", "UTF-8"}, {"A=\xff", "UTF-8"}, {"BAD", "UTF-8"}}},
		"environment_file": {[]good{{".env", "/srv/site/.env"}, {"-~/.env", "-/home/ann/.env"}, {"/x/./y", "/x/y"}, {"-/x", ""}, {"./-x", "/srv/site/-x"}}, []bad{{"", "-PATH"}, {"-", "-PATH"}, {"a\x00", "a path"}}},
		"umask":            {[]good{{"22", "022"}, {"0", "000"}, {"777", ""}}, []bad{{"888", "octal"}, {"", "octal"}}},
		"restart":          {[]good{{"no", ""}, {"on-failure", ""}, {"always", ""}}, []bad{{"", "no, on-failure or always"}, {"sometimes", "no, on-failure or always"}}},
		"success_codes":    {[]good{{"3", ""}, {"3, 4,3", "3,4"}, {"0", "-"}, {"0,255", "255"}}, []bad{{"", "0 to 255"}, {"256", "0 to 255"}, {"-1", "0 to 255"}, {"1,,2", "0 to 255"}, {"x", "0 to 255"}}},
		"backoff":          {[]good{{"1s..1m", ""}, {"5", "5s..5s"}}, []bad{{"0", "shortest..longest"}, {"1m..1s", "shortest..longest"}}},
		"healthy_after":    {[]good{{"1m", ""}, {"90", "1m30s"}}, []bad{{"0", "no time at all"}, {"soon", "for example"}}},
		"give_up_after":    {[]good{{"1", ""}, {"1000000", ""}, {"never", "-"}}, []bad{{"0", "1 or more, or never"}, {"-1", "1 or more"}, {"", "1 or more"}, {"1000001", "1 or more"}}},
		"stop":             {[]good{{"TERM/10/KILL/5", ""}, {"int/1m", "INT/60"}}, []bad{{"TERM", "TERM/10/KILL/5"}, {"", "TERM/10/KILL/5"}}},

		"ready":           {[]good{{"alive:1s", ""}, {"alive:2", "alive:2s"}, {"tcp:80", ""}, {"http:8000/ socket=run/web.sock", "http://localhost:8000/ socket=/srv/site/run/web.sock"}, {"exit", ""}}, []bad{{"alive:0", "alive:TIME"}, {"soon", "tcp:[HOST:]PORT"}, {"none", "not a readiness check"}}},
		"health":          {[]good{{"tcp:80", ""}, {"command:true", ""}, {"notify:30s", ""}, {"none", "-"}}, []bad{{"alive:1s", "nothing of health"}, {"notify", "notify:TIME"}}},
		"health_interval": {[]good{{"1m", ""}, {"100ms", ""}}, []bad{{"99ms", "at least 100ms"}, {"0", "no time at all"}}},
		"health_timeout":  {[]good{{"500ms", ""}}, []bad{{"0", "no time at all"}}},
		"health_failures": {[]good{{"1", ""}, {"1000", ""}}, []bad{{"0", "1 to 1000"}, {"1001", "1 to 1000"}, {"", "1 to 1000"}}},

		"ready_timeout":        {[]good{{"5m", ""}, {"90", "1m30s"}}, []bad{{"0", "no time at all"}, {"never", "for example"}}},
		"stop_command":         {[]good{{"./drain; sleep 1", ""}}, []bad{{"", "is no command"}, {"a\nb", "one line"}}},
		"stop_command_timeout": {[]good{{"30s", ""}}, []bad{{"0", "no time at all"}}},

		"requires": {[]good{{"db", ""}, {"the db", ""}}, []bad{{"", "is empty"}, {"db*", "pattern"}, {"@shop", "@"}}},
		"wants":    {[]good{{"db", ""}}, []bad{{"", "is empty"}}},
		"after":    {[]good{{"db", ""}}, []bad{{"", "is empty"}}},

		"log_max":    {[]good{{"10MB", ""}, {"64KiB", ""}, {"65536", "64KiB"}, {"1.5GB", "1500MB"}, {"never", ""}, {"0", "never"}}, []bad{{"63KiB", "at least 64KiB, or never"}, {"1", "at least"}, {"ten", "for example"}, {"-1", "for example"}}},
		"log_keep":   {[]good{{"1", ""}, {"20", ""}, {"all", ""}}, []bad{{"0", "1 or more, or all"}, {"-1", "or all"}, {"", "or all"}, {"1000001", "1 or more"}}},
		"log_age":    {[]good{{"30d", ""}, {"1h", ""}, {"never", ""}}, []bad{{"59m", "at least 1h, or never"}, {"0", "no time at all"}, {"", "for example"}, {"-1", "for example"}}},
		"log_format": {[]good{{"plain", ""}, {"time", ""}}, []bad{{"", "plain or time"}, {"json", "plain or time"}}},
		"log_to":     {[]good{{"syslog", ""}, {"syslog:/dev/log", ""}, {"syslog:unix:/dev/log", ""}, {"syslog:udp:127.0.0.1:514", ""}, {"syslog:tcp:[::1]:601", ""}, {"command:logger -t web", ""}}, []bad{{"", "syslog:ADDRESS"}, {"syslog:", "nowhere"}, {"syslog:log", "path of a socket"}, {"syslog:udp:loghost", "HOST:PORT"}, {"syslog:udp::514", "HOST:PORT"}, {"syslog:tcp:h:0", "HOST:PORT"}, {"syslog:tcp:::1:514", "HOST:PORT"}, {"syslog:tcp:a b:514", "HOST:PORT"}, {"command", "command:COMMAND"}, {"command: ", "nowhere"}, {"syslogd", "nowhere"}, {"command:a\nb", "nowhere"}, {"file:/x", "nowhere"}}},

		"limits":        {[]good{{"nofile=4096", ""}, {"nofile=1024:4096", ""}, {"nofile=7:7", "nofile=7"}, {"core=0", ""}, {"core=unlimited", ""}, {"nproc=5:unlimited", ""}, {"as=2GB", ""}, {"as=2000000000:4GiB", "as=2GB:4GiB"}, {"cpu=10m", "cpu=600"}, {"cpu=90:2h", "cpu=90:7200"}, {"rtprio=0", ""}}, []bad{{"", "NAME=VALUE"}, {"nofile", "NAME=VALUE"}, {"files=3", "as, core, cpu"}, {"nofile=", "a number, or unlimited"}, {"nofile=-1", "a number, or unlimited"}, {"nofile=1k", "a number, or unlimited"}, {"nofile=2:1", "above the second"}, {"nofile=unlimited:1", "above the second"}, {"nofile=1:2:3", "SOFT:HARD"}, {"as=much", "64MB, 0, or unlimited"}, {"as=never", "64MB, 0, or unlimited"}, {"cpu=1.5", "whole seconds"}, {"cpu=0.5s", "whole seconds"}, {"nofile=18446744073709551615", "a number, or unlimited"}}},
		"nice":          {[]good{{"0", ""}, {"-20", ""}, {"19", ""}, {"+5", "5"}}, []bad{{"", "from -20 to 19"}, {"20", "from -20 to 19"}, {"-21", "-20"}, {"low", "-20"}}},
		"ionice":        {[]good{{"idle", ""}, {"best-effort", "best-effort:4"}, {"best-effort:0", ""}, {"realtime:7", ""}}, []bad{{"", "idle, best-effort"}, {"idle:1", "idle, best-effort"}, {"best-effort:8", ":0 to :7"}, {"realtime:-1", ":0 to :7"}, {"realtime:", ":0 to :7"}, {"3", "idle"}}},
		"cpus":          {[]good{{"0", ""}, {"0,2-3", ""}, {"3, 2,0,1", "0-3"}, {"1023", ""}}, []bad{{"", "0,2-3"}, {"1024", "0 to 1023"}, {"3-1", "ranges"}, {"-1", "0,2-3"}, {"1-2-3", "0,2-3"}, {"all", "0,2-3"}, {"1,,2", "0,2-3"}}},
		"oom_score_adj": {[]good{{"0", ""}, {"-1000", ""}, {"1000", ""}}, []bad{{"", "-1000 to 1000"}, {"1001", "-1000 to 1000"}}},
		"memory_max":    {[]good{{"512MB", ""}, {"1MiB", ""}, {"never", "-"}, {"0", "-"}}, []bad{{"1MB", "at least 1MiB, or never"}, {"much", "for example"}, {"", "for example"}, {"-1", "for example"}}},
		"memory_action": {[]good{{"restart", ""}, {"stop", ""}, {"warn", ""}}, []bad{{"", "restart, stop or warn"}, {"kill", "restart, stop or warn"}}},
		"fd_store":      {[]good{{"1", ""}, {"500", ""}, {"0", "-"}}, []bad{{"", "0 to 500"}, {"-1", "0 to 500"}, {"501", "0 to 500"}}},

		"schedule":         {[]good{{"30 3 * * mon-fri", ""}, {" 0  3 * * SUN", "0 3 * * sun"}, {"@midnight", "@daily"}, {"@every 90", "@every 1m30s"}}, []bad{{"", "5 (minute hour"}, {"0 24 * * *", "its hour is"}, {"0 0 31 2 *", "never comes"}}},
		"timezone":         {[]good{{"Europe/Berlin", ""}, {"UTC", ""}, {"utc", "UTC"}, {"local", "Local"}}, []bad{{"", "Area/City"}, {"Europe/Nowhere", "Area/City"}, {"CET-1CEST", "Area/City"}, {"../../etc/localtime", "Area/City"}}},
		"overlap":          {[]good{{"skip", ""}, {"queue", ""}, {"replace", ""}}, []bad{{"", "skip, queue or replace"}, {"allow", "skip, queue or replace"}}},
		"missed":           {[]good{{"skip", ""}, {"run", ""}}, []bad{{"", "skip or run"}, {"all", "skip or run"}}},
		"restart_schedule": {[]good{{"0 4 * * *", ""}, {"@annually", "@yearly"}}, []bad{{"", "5 (minute hour"}, {"0 4 * *", "4 fields"}}},
		"expires":          {[]good{{"2h", ""}, {"90", "1m30s"}}, []bad{{"0", "no time at all"}, {"soon", "for example"}}},

		"instances": {[]good{{"1", ""}, {"3", ""}, {"1000", ""}}, []bad{{"0", "1 to 1000"}, {"1001", "1 to 1000"}, {"-1", "1 to 1000"}, {"", "1 to 1000"}, {"two", "number of copies"}}},
		"listen": {
			[]good{{"tcp:80", ""}, {"http=tcp:127.0.0.1:80", ""}, {"tcp:localhost:80", "tcp:127.0.0.1:80"}, {"tcp:[::1]:80", ""}, {"udp:[fe80::1%eth0]:53", ""}, {"tcp:[::ffff:1.2.3.4]:1", ""},
				{"unix:/run/x.sock", ""}, {"unix:x.sock", "unix:/srv/site/x.sock"}, {"a=unix:~/a=b", "a=unix:/home/ann/a=b"}, {"unix-datagram:/x", ""}, {"tcp:[::]:65535", ""}, {"tcp:0.0.0.0:1", ""}},
			[]bad{{"", "is not a socket"}, {"tcp", "has no port"}, {"tcp:", "has no port"}, {"tcp:0", "1 to 65535"}, {"tcp:65536", "1 to 65535"}, {"tcp:http", "has no port"}, {"tcp:::1:80", "brackets: [::1]"},
				{"tcp:example.org:80", "not an address"}, {"tcp::80", "not an address"}, {"tcp:1.2.3:80", "not an address"}, {"tcp:1.2.3.256:80", "not an address"}, {"tcp:[1.2.3.4]:80", "not an address"},
				{"tcp:[:::1]:80", "not an address"}, {"tcp:[1:2:3:4:5:6:7:8:9]:80", "not an address"}, {"tcp:[::1%]:80", "not an address"}, {"sctp:80", "is not a socket"}, {"80", "is not a socket"},
				{"unix:", "has no path"}, {"unix:a\nb", "has no path"}, {"unix:/" + strings.Repeat("x", 107), "108 bytes long, and that of a socket may be 107"},
				{"=tcp:80", "not a name"}, {"a b=tcp:80", "not a name"}, {"größe=tcp:80", "not a name"}, {strings.Repeat("x", 256) + "=tcp:80", "not a name"}},
		},

		"watch":       {[]good{{"*.py", ""}, {"src/**/*.go", ""}, {"../lib", ""}, {"~/x/*", "/home/ann/x/*"}, {"/etc/[a-c]*", ""}}, []bad{{"", "not a pattern"}, {"[", "not a pattern"}, {"a**", "stands alone"}, {"/", "whole file system"}}},
		"reload":      {[]good{{"HUP", ""}, {"sigusr1", "USR1"}, {"command:nginx -s reload", ""}}, []bad{{"", "not a signal"}, {"command:", "no command"}, {"command: ", "no command"}, {"NOPE", "not a signal"}, {"nginx -s reload", "command:COMMAND"}, {"cmd:x", "command:COMMAND"}}},
		"on_event":    {[]good{{"mail -s x ann", ""}, {"https://h/x?y", ""}, {"http://a:b@h:1", ""}, {"http://[::1]:80/x", ""}, {"http://[::1]", ""}, {"curl -d x https://h", ""}}, []bad{{"", "no hook"}, {"a\nb", "no hook"}, {"https://", "no address"}, {"http:///x", "no address"}, {"https://:1/", "no address"}, {"https://h/a b", "no address"}, {"https://h:99999/", "no address"}, {"https://h:x", "no address"}, {"ftp://h/x", "no address"}, {"https://u:secret@h:x/", `"https://***" is no address`}}},
		"event_kinds": {[]good{{"ended", ""}, {"ready, failed,ready", "ready,failed"}, {"all", ""}}, []bad{{"", "no kind of event"}, {"rain", "starting, started"}, {"hook", "no kind"}, {"supervised", "no kind"}}},
		"tags":        {[]good{{"shop", ""}, {"@shop", "shop"}, {"größe-1", ""}}, []bad{{"", "word without blanks"}, {"@", "without blanks"}, {"@@a", "@"}, {"a b", "blanks"}, {"a,b", "commas"}, {"a*", "pattern"}, {"a/b", "slashes"}, {"a\u00a0b", "blanks"}, {"a\x7f", "word"}, {"\xff", "word"}}},
		"description": {[]good{{"the shop", ""}, {"", "-"}}, []bad{{"two\nlines", "one line"}, {"\x1b[31m", "one line"}, {"\xff", "UTF-8"}}},
	}
	for _, o := range tend.Options {
		cases, ok := table[o.Key]
		if !ok {
			t.Errorf("%s has no cases here", o.Key)
		}
		for _, c := range cases.good {
			var s tend.Service
			if err := o.Set(&s, c.value, caller); err != nil {
				t.Errorf("%s %q: %v", o.Key, c.value, err)
				continue
			}
			want := []string{c.get}
			switch c.get {
			case "":
				want = []string{c.value}
			case "-":
				want = nil
			}
			if got := o.Get(s); !reflect.DeepEqual(got, want) {
				t.Errorf("%s %q: Get gives %q", o.Key, c.value, got)
			}
			if back := setAgain(t, o, s); !reflect.DeepEqual(back, s) {
				t.Errorf("%s %q: set again it is %+v, not %+v", o.Key, c.value, back, s)
			}
		}
		for _, c := range cases.bad {
			var s tend.Service
			err := o.Set(&s, c.value, caller)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s %q: %v does not say %q", o.Key, c.value, err, c.says)
			}
			if !reflect.DeepEqual(s, tend.Service{}) {
				t.Errorf("%s %q: refused, and yet set: %+v", o.Key, c.value, s)
			}
		}
	}
}

// setAgain makes a definition from what Get says about another; somebody else, elsewhere, does it.
func setAgain(t interface{ Fatal(...any) }, o tend.Option, s tend.Service) tend.Service {
	var back tend.Service
	for _, value := range o.Get(s) {
		if err := o.Set(&back, value, tend.Caller{Directory: "/elsewhere"}); err != nil {
			t.Fatal(err)
		}
	}
	return back
}

func TestOptionsGiveBackAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := tend.Service{Settings: anySettings.Draw(t, "settings")}
		s.Description = rapid.StringMatching(`[a-zäö ]*`).Draw(t, "one line")
		var back tend.Service
		for _, o := range tend.Options {
			for _, value := range o.Get(s) {
				if err := o.Set(&back, value, tend.Caller{}); err != nil {
					t.Fatalf("%s %q: %v", o.Key, value, err)
				}
			}
		}
		if !reflect.DeepEqual(s, back) {
			t.Fatalf("%+v comes back as %+v", s, back)
		}
	})
}

// TestOptionsLeaveCopiesAlone: a definition is copied by value all over; setting one must not change the other.
func TestOptionsLeaveCopiesAlone(t *testing.T) {
	first := map[string]string{"environment": "A=1", "tags": "a", "success_codes": "1", "stop": "TERM/1", "umask": "022", "limits": "nofile=1", "nice": "1", "oom_score_adj": "1"}
	second := map[string]string{"environment": "A=2", "tags": "b", "success_codes": "2", "stop": "INT/2", "umask": "077", "limits": "nofile=2", "nice": "2", "oom_score_adj": "2"}
	for _, o := range tend.Options {
		if first[o.Key] == "" {
			continue
		}
		var a tend.Service
		if err := o.Set(&a, first[o.Key], caller); err != nil {
			t.Fatal(err)
		}
		b := a
		if err := o.Set(&b, second[o.Key], caller); err != nil {
			t.Fatal(err)
		}
		if got := o.Get(a); !slices.Equal(got, []string{first[o.Key]}) {
			t.Errorf("%s: the copy changed the original to %q", o.Key, got)
		}
	}
}

// TestOptionTable: the keys are the names in JSON, every one has all that help needs, and no flag is there twice.
func TestOptionTable(t *testing.T) {
	var fields []string
	collect := func(of reflect.Type) {
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			if name != "" && name != "-" && name != "name" && name != "command_line" {
				fields = append(fields, name)
			}
		}
	}
	collect(reflect.TypeFor[tend.Service]())
	collect(reflect.TypeFor[tend.Settings]())

	var keys []string
	seen := map[string]bool{}
	for _, o := range tend.Options {
		keys = append(keys, o.Key)
		for _, flag := range []string{"--" + o.Flag, "-" + o.Short} {
			if flag != "-" && seen[flag] {
				t.Errorf("%s stands in the table twice", flag)
			}
			seen[flag] = true
		}
		if o.Flag == "" || o.Default == "" || o.Help == "" || o.Set == nil || o.Get == nil || len(o.Short) > 1 {
			t.Errorf("%s lacks something", o.Key)
		}
		if strings.HasSuffix(o.Help, ".") || o.Detail != "" && !strings.HasSuffix(o.Detail, ".") {
			t.Errorf("%s: help is a line without a full stop, detail has whole sentences", o.Key)
		}
		for _, v := range o.Values {
			if err := o.Set(&tend.Service{}, v, caller); err != nil {
				t.Errorf("%s offers %s: %v", o.Key, v, err)
			}
		}
	}
	slices.Sort(fields)
	slices.Sort(keys)
	if !slices.Equal(fields, keys) {
		t.Errorf("the fields are\n%q, the options\n%q", fields, keys)
	}
}

// TestOptionDefaults: where the table states a default as a value, WithDefaults gives just that.
func TestOptionDefaults(t *testing.T) {
	full := tend.Service{}.WithDefaults()
	for _, o := range tend.Options {
		switch o.Key {
		case "restart", "backoff", "healthy_after", "ready", "stop", "log_max", "log_keep", "log_age", "log_format", "instances":
			if got := o.Get(full); !slices.Equal(got, []string{o.Default}) {
				t.Errorf("%s: the default is %q, the table says %q", o.Key, got, o.Default)
			}
			var s tend.Service
			if err := o.Set(&s, o.Default, caller); err != nil {
				t.Errorf("%s: %v", o.Key, err)
			}
		}
	}
	checked := tend.Service{Settings: tend.Settings{Health: tend.Check{Kind: tend.CheckTCP, Target: "80"}}}.WithDefaults()
	for _, key := range []string{"health_interval", "health_timeout", "health_failures"} {
		if o := tend.FindOption(key); !slices.Equal(o.Get(checked), []string{o.Default}) || o.Get(full) != nil {
			t.Errorf("%s: the default is %q, the table says %q", key, o.Get(checked), o.Default)
		}
	}
	job := tend.Service{Settings: tend.Settings{Schedule: "@daily"}}.WithDefaults()
	if job.Restart != tend.RestartNo || job.Overlap != tend.OverlapSkip || job.Missed != tend.MissedSkip {
		t.Errorf("a job has restart %s, overlap %s, missed %s", job.Restart, job.Overlap, job.Missed)
	}
	if full.Overlap != "" || full.Missed != "" {
		t.Errorf("what is no job has overlap %s, missed %s", full.Overlap, full.Missed)
	}
	if *full.Umask != tend.DefaultUmask {
		t.Errorf("umask %s", full.Umask)
	}
	if named := (tend.Service{Stdout: "/srv/web.log"}).WithDefaults(); named.LogMax != tend.NoSize {
		t.Errorf("a file that somebody named is rotated at %s", named.LogMax)
	}
	short := tend.Service{Settings: tend.Settings{Backoff: tend.Backoff{Min: tend.Duration(1e12)}}}.WithDefaults()
	if short.Backoff.Max < short.Backoff.Min {
		t.Errorf("backoff %s", short.Backoff)
	}
}

// FuzzOptions: no value of any option panics, and what is accepted comes back as itself.
func FuzzOptions(f *testing.F) {
	for i := range tend.Options {
		f.Add(i, "TERM/10")
		f.Add(i, "1d")
		f.Add(i, strconv.Itoa(i))
	}
	f.Fuzz(func(t *testing.T, which int, value string) {
		o := tend.Options[uint(which)%uint(len(tend.Options))]
		var s tend.Service
		if o.Set(&s, value, caller) != nil {
			return
		}
		if back := setAgain(t, o, s); !reflect.DeepEqual(back, s) {
			t.Errorf("%s %q: set again it is %+v, not %+v", o.Key, value, back, s)
		}
	})
}
