package tend

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestChecksAreReadAndWritten(t *testing.T) {
	ms := func(n int) Duration { return Duration(time.Duration(n) * time.Millisecond) }
	for text, want := range map[string]Check{
		"alive:250ms":                     {Kind: CheckAlive, After: ms(250)},
		"tcp:8000":                        {Kind: CheckTCP, Target: "8000"},
		"tcp:db.internal:5432":            {Kind: CheckTCP, Target: "db.internal:5432"},
		"tcp:[::1]:5432":                  {Kind: CheckTCP, Target: "[::1]:5432"},
		"http://127.0.0.1:8000/health":    {Kind: CheckHTTP, Target: "http://127.0.0.1:8000/health"},
		"https://localhost/?a=b&c=%20":    {Kind: CheckHTTP, Target: "https://localhost/?a=b&c=%20"},
		"http://[::1]:8000/ status=204":   {Kind: CheckHTTP, Target: "http://[::1]:8000/", Status: "204"},
		"http://h/ status=200-299 body=a": {Kind: CheckHTTP, Target: "http://h/", Status: "200-299", Body: "a"},
		"http://h/ body='all is well'":    {Kind: CheckHTTP, Target: "http://h/", Body: "all is well"},
		"http://h/ socket=/run/x.sock":    {Kind: CheckHTTP, Target: "http://h/", Socket: "/run/x.sock"},
		"log:listening on port [0-9]+":    {Kind: CheckLog, Target: "listening on port [0-9]+"},
		"log:a:b":                         {Kind: CheckLog, Target: "a:b"},
		"command:redis-cli ping | grep P": {Kind: CheckCommand, Target: "redis-cli ping | grep P"},
		"notify":                          {Kind: CheckNotify},
		"notify:30s":                      {Kind: CheckNotify, After: ms(30000)},
		"fd:3":                            {Kind: CheckFD, Target: "3"},
		"exit":                            {Kind: CheckExit},
		"none":                            {},
	} {
		got, err := ParseCheck(text)
		if err != nil || got != want {
			t.Errorf("ParseCheck(%q) = %+v, %v, want %+v", text, got, err, want)
		}
		if got.String() != text {
			t.Errorf("%q is written %q", text, got.String())
		}
		var again Check
		if encoded, err := json.Marshal(got); err != nil || json.Unmarshal(encoded, &again) != nil || again != got {
			t.Errorf("%q in JSON: %s, %v, read as %+v", text, encoded, err, again)
		}
	}
}

func TestAURLMayBeShort(t *testing.T) {
	for text, want := range map[string]string{
		"http:8000":                    "http://localhost:8000/",
		"http:8000/health":             "http://localhost:8000/health",
		"http:db:8000/health":          "http://db:8000/health",
		"http:/health socket=/x":       "http://localhost/health socket=/x",
		"http:http://h/":               "http://h/",
		"http:https://h/ status=200":   "https://h/ status=200",
		`http:80/ "body=it is 'well'"`: `http://localhost:80/ body='it is '\''well'\'`,
	} {
		c, err := ParseCheck(text)
		if err != nil || c.String() != want {
			t.Errorf("%q is %q, %v, want %q", text, c, err, want)
		}
		if again, err := ParseCheck(c.String()); err != nil || again != c {
			t.Errorf("%q is read back as %+v, %v", c, again, err)
		}
	}
}

func TestACheckThatIsNoneSaysWhatIsAllowed(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "alive:TIME, tcp:[HOST:]PORT",
		"soon":                     "alive:TIME, tcp:[HOST:]PORT",
		"none":                     "not a readiness check",
		"alive":                    "alive:TIME",
		"alive:0":                  "alive:TIME",
		"alive:-1s":                "alive:TIME",
		"tcp:":                     "no port",
		"tcp:0":                    "no port",
		"tcp:65536":                "no port",
		"tcp:+80":                  "no port",
		"tcp:::1:80":               "[ ]",
		"tcp:a b:80":               "no host",
		"http://":                  "no host",
		"http:":                    "does not say whom to ask",
		"http://h:x/":              "no port",
		"http:///health":           "no host",
		"http://h/a b":             "status=N",
		"http://h/%zz":             "%",
		"http://h/ status=20":      "100 to 599",
		"http://h/ status=300-200": "100 to 599",
		"http://h/ status=":        "status=N",
		"http://h/ method=POST":    "status=N",
		"http://h/ body='x":        "quote",
		"log:":                     "log:REGEX",
		"log:(":                    "missing closing )",
		"command:":                 "command:COMMAND",
		"command: ":                "command:COMMAND",
		"notify:30s":               "health check",
		"fd:2":                     "fd:N",
		"fd:x":                     "fd:N",
		"fd:1000":                  "fd:N",
		"exit:0":                   "or exit",
	} {
		if c, err := ParseReady(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseReady(%q) = %+v, %v; the error is to speak of %q", text, c, err, want)
		}
	}
	for text, want := range map[string]string{
		"":            "or none",
		"alive:1s":    "nothing of health",
		"alive":       "nothing of health",
		"log:x":       "nothing of health",
		"exit":        "nothing of health",
		"fd:3":        "nothing of health",
		"notify":      "notify:TIME",
		"tcp:x":       "no port",
		"http://h:0/": "no port",
	} {
		if c, err := ParseHealth(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseHealth(%q) = %+v, %v; the error is to speak of %q", text, c, err, want)
		}
	}
}
