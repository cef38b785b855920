package tend

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/kballard/go-shellquote"
)

// CheckKind is how a Check finds out.
type CheckKind string

// The kinds of checks.
const (
	CheckAlive   CheckKind = "alive"   // it is still alive after After
	CheckTCP     CheckKind = "tcp"     // Target, PORT of this host or HOST:PORT, takes connections
	CheckHTTP    CheckKind = "http"    // Target, a URL, answers
	CheckLog     CheckKind = "log"     // it writes a line that matches Target
	CheckCommand CheckKind = "command" // Target, run by /bin/sh -c, ends well
	CheckNotify  CheckKind = "notify"  // it says so: sd_notify(3); as a health check, at least once in After
	CheckFD      CheckKind = "fd"      // it writes a newline to the descriptor Target
	CheckExit    CheckKind = "exit"    // it has ended well
)

// Check is a way to find out how a run is: ready, or healthy. Its zero value is none.
type Check struct {
	Kind   CheckKind
	After  Duration
	Target string
	Status string // http: the statuses that are good, N or N-M; "": 200-399
	Body   string // http: the body has this in it
	Socket string // http: the path of the unix socket that is asked
}

// What a check may be.
const (
	readyForms  = "alive:TIME, tcp:[HOST:]PORT, http://HOST[:PORT]/PATH, log:REGEX, command:COMMAND, notify, fd:N or exit"
	healthForms = "tcp:[HOST:]PORT, http://HOST[:PORT]/PATH, command:COMMAND, notify:TIME or none"
)

// ParseReady reads a readiness check.
func ParseReady(text string) (Check, error) {
	c, err := ParseCheck(text)
	switch {
	case errors.Is(err, errNoCheck), err == nil && c == Check{}:
		return Check{}, fmt.Errorf("%q is not a readiness check (%s)", text, readyForms)
	case err == nil && c.Kind == CheckNotify && c.After > 0:
		return Check{}, fmt.Errorf("%q is a health check; that it is ready, a service tells by notify alone", text)
	}
	return c, err
}

// ParseHealth reads a health check, "none" for none.
func ParseHealth(text string) (Check, error) {
	kind, _, _ := strings.Cut(text, ":")
	switch CheckKind(kind) {
	case CheckAlive, CheckLog, CheckFD, CheckExit:
		return Check{}, fmt.Errorf("%q is a readiness check and says nothing of health (%s)", text, healthForms)
	}
	c, err := ParseCheck(text)
	switch {
	case errors.Is(err, errNoCheck):
		return Check{}, fmt.Errorf("%q is not a health check (%s)", text, healthForms)
	case err == nil && c.Kind == CheckNotify && c.After == 0:
		return Check{}, fmt.Errorf("%q says no time in which it must be heard of (notify:TIME, for example notify:30s)", text)
	}
	return c, err
}

// errNoCheck: the text is not even like a check.
var errNoCheck = errors.New("is not a check")

// ParseCheck reads a check of any kind. What is allowed where, ParseReady and ParseHealth know.
func ParseCheck(text string) (Check, error) {
	kind, rest, given := strings.Cut(text, ":")
	switch CheckKind(kind) {
	case "none":
		if !given {
			return Check{}, nil
		}
	case CheckAlive:
		d, err := parsePositive(rest)
		if err == nil && given {
			return Check{Kind: CheckAlive, After: d}, nil
		}
		return Check{}, fmt.Errorf("%q does not say how long (alive:TIME, for example alive:250ms)", text)
	case CheckNotify:
		return parseNotify(text, rest, given)
	case CheckTCP:
		if err := checkAddress(rest); err != nil {
			return Check{}, fmt.Errorf("%q %w (tcp:[HOST:]PORT, for example tcp:8000)", text, err)
		}
		return Check{Kind: CheckTCP, Target: rest}, nil
	case CheckHTTP, "https":
		if given {
			return parseHTTP(text)
		}
	case CheckLog:
		if _, err := regexp.Compile(rest); err != nil || rest == "" || !given {
			return Check{}, fmt.Errorf("%q is no regular expression%s (log:REGEX, for example log:'listening on')", rest, because(err))
		}
		return Check{Kind: CheckLog, Target: rest}, nil
	case CheckCommand:
		if strings.TrimSpace(rest) == "" || strings.ContainsRune(rest, 0) {
			return Check{}, fmt.Errorf("%q has no command (command:COMMAND, for example command:'redis-cli ping')", text)
		}
		return Check{Kind: CheckCommand, Target: rest}, nil
	case CheckFD:
		if n, err := strconv.Atoi(rest); err != nil || n < 3 || n > maxReadyFD || strconv.Itoa(n) != rest {
			return Check{}, fmt.Errorf("%q is not a descriptor (fd:N, from 3 to %d)", text, maxReadyFD)
		}
		return Check{Kind: CheckFD, Target: rest}, nil
	case CheckExit:
		if !given {
			return Check{Kind: CheckExit}, nil
		}
	}
	return Check{}, errNoCheck
}

// maxReadyFD: limits on open files are often not much above that.
const maxReadyFD = 255

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + strings.TrimPrefix(err.Error(), "error parsing regexp: ")
}

func parseNotify(text, rest string, given bool) (Check, error) {
	if !given {
		return Check{Kind: CheckNotify}, nil
	}
	d, err := parsePositive(rest)
	if err != nil {
		return Check{}, fmt.Errorf("%q does not say how long (notify:TIME, for example notify:30s)", text)
	}
	return Check{Kind: CheckNotify, After: d}, nil
}

// parseHTTP reads http:URL [status=N[-M]] [body=TEXT] [socket=PATH]. Of the URL the scheme may be missing, and then the host
// as well: http:8000/health.
func parseHTTP(text string) (Check, error) {
	words, err := shellquote.Split(text)
	if err != nil || len(words) == 0 {
		return Check{}, fmt.Errorf("%q has a quote that is not closed", text)
	}
	c := Check{Kind: CheckHTTP}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch {
		case value == "":
			return Check{}, fmt.Errorf("%q is nothing that a http check has (status=N or N-M, body=TEXT, socket=PATH)", word)
		case key == "status":
			err = checkStatus(value)
			c.Status = value
		case key == "body":
			c.Body = value
		case key == "socket":
			c.Socket = value
		default:
			return Check{}, fmt.Errorf("%q is nothing that a http check has (status=N or N-M, body=TEXT, socket=PATH)", word)
		}
		if err != nil {
			return Check{}, err
		}
	}
	if words[0] == "http:" && c.Socket == "" {
		return Check{}, fmt.Errorf("%q does not say whom to ask (for example http://127.0.0.1:8000/health, or http:8000/health)", text)
	}
	c.Target = fullURL(words[0])
	if err := checkURL(c.Target); err != nil {
		return Check{}, fmt.Errorf("%q %w (for example http://127.0.0.1:8000/health)", words[0], err)
	}
	return c, nil
}

// fullURL adds what may be left out of a URL.
func fullURL(text string) string {
	isFull := func(url string) bool { return strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "https://") }
	rest, prefixed := strings.CutPrefix(text, "http:")
	switch {
	case isFull(text):
		return text
	case !prefixed || isFull(rest):
		return rest
	}
	host, path, _ := strings.Cut(rest, "/")
	switch {
	case host == "":
		host = "localhost"
	case strings.Trim(host, "0123456789") == "":
		host = "localhost:" + host
	}
	return "http://" + host + "/" + path
}

func checkURL(url string) error {
	_, rest, ok := strings.Cut(url, "://")
	odd := func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune("'\"\\`", r)
	}
	if !ok || strings.ContainsFunc(url, odd) {
		return errors.New("is not a URL")
	}
	for i := range url {
		if url[i] == '%' && (len(url) < i+3 || strings.Trim(url[i+1:i+3], "0123456789abcdefABCDEF") != "") {
			return errors.New("has a % in it that is followed by no number")
		}
	}
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	host := authority[strings.LastIndexByte(authority, '@')+1:]
	if port := host[strings.LastIndexByte(host, ']')+1:]; strings.Contains(port, ":") {
		return checkAddress(host)
	}
	return checkHost(host)
}

// checkAddress looks at PORT or HOST:PORT.
func checkAddress(text string) error {
	host, port := "localhost", text
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		host, port = text[:i], text[i+1:]
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != port {
		return errors.New("has no port from 1 to 65535")
	}
	return checkHost(host)
}

func checkHost(host string) error {
	address, bracketed := strings.CutPrefix(host, "[")
	if bracketed {
		address, bracketed = strings.CutSuffix(address, "]")
		if !bracketed || !strings.Contains(address, ":") {
			return errors.New("has no host that can be understood")
		}
	} else if strings.Contains(host, ":") {
		return errors.New("has an IPv6 address without [ ] around it")
	}
	odd := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(".-_:%", r)
	}
	if address == "" || strings.ContainsFunc(address, odd) {
		return errors.New("has no host that can be understood")
	}
	return nil
}

// checkStatus looks at N or N-M.
func checkStatus(text string) error {
	low, high, err := ParseStatusRange(text)
	if err != nil || low < 100 || high > 599 || low > high {
		return fmt.Errorf("%q is not a HTTP status (status=N or N-M, from 100 to 599)", text)
	}
	return nil
}

// ParseStatusRange reads which statuses of HTTP are good: N or N-M; "" is 200-399.
func ParseStatusRange(text string) (low, high int, err error) {
	if text == "" {
		return 200, 399, nil
	}
	first, last, two := strings.Cut(text, "-")
	if !two {
		last = first
	}
	if low, err = strconv.Atoi(first); err == nil {
		high, err = strconv.Atoi(last)
	}
	return low, high, err
}

// Probed reports whether it is for tend to ask, and not for the run to tell.
func (c Check) Probed() bool {
	switch c.Kind {
	case CheckTCP, CheckHTTP, CheckLog, CheckCommand:
		return true
	}
	return false
}

// String writes the check as ParseCheck reads it.
func (c Check) String() string {
	switch c.Kind {
	case "":
		return "none"
	case CheckHTTP:
		return c.httpString()
	case CheckAlive, CheckNotify:
		if c.After > 0 {
			return string(c.Kind) + ":" + c.After.String()
		}
	}
	if c.Target == "" {
		return string(c.Kind)
	}
	return string(c.Kind) + ":" + c.Target
}

func (c Check) httpString() string {
	text := c.Target
	for _, part := range []struct{ key, value string }{{"status", c.Status}, {"body", c.Body}, {"socket", c.Socket}} {
		if part.value != "" {
			text += " " + part.key + "=" + shellquote.Join(part.value)
		}
	}
	return text
}

// Redacted returns the check without a password that is in its address.
func (c Check) Redacted() Check {
	scheme, rest, _ := strings.Cut(c.Target, "://")
	path := strings.IndexAny(rest+"/", "/?#")
	at := strings.LastIndexByte(rest[:path], '@')
	if c.Kind != CheckHTTP || at < 0 {
		return c
	}
	if user, _, found := strings.Cut(rest[:at], ":"); found {
		c.Target = scheme + "://" + user + ":" + Blot + rest[at:]
	}
	return c
}

// MarshalText implements encoding.TextMarshaler.
func (c Check) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Check) UnmarshalText(text []byte) (err error) {
	if *c, err = ParseCheck(string(text)); errors.Is(err, errNoCheck) {
		return fmt.Errorf("%q is not a check (%s)", text, readyForms)
	}
	return err
}
