package tend

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A hook is told of what happens to a service: a command, or an address to which it is sent.

// IsWebhook reports whether the hook is an address.
func IsWebhook(hook string) bool {
	return strings.HasPrefix(hook, "http://") || strings.HasPrefix(hook, "https://")
}

// ParseHook reads a hook.
func ParseHook(text string) (string, error) {
	if _, err := commandValue(text, Caller{}); err != nil {
		return "", fmt.Errorf("%q is no hook (a command for /bin/sh, or an address that begins with https:// or http://)", text)
	}
	scheme, rest, address := strings.Cut(text, "://")
	if !address || strings.ContainsFunc(scheme, notInScheme) {
		return text, nil
	}
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	host := rest[:end][strings.LastIndexByte(rest[:end], '@')+1:]
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		if port, err := strconv.Atoi(host[i+1:]); err != nil || port < 1 || port > 65535 {
			host = ""
		} else {
			host = host[:i]
		}
	}
	if !IsWebhook(text) || host == "" || strings.ContainsAny(text, " \"<>") {
		if strings.ContainsAny(rest, "@?") { // there may be a password in it, and the error goes wherever errors go
			text = scheme + "://" + Blot
		}
		return "", fmt.Errorf("%q is no address (https://HOST[:PORT]/PATH, or http://)", text)
	}
	return text, nil
}

// notInScheme: what comes before :// in an address has letters and little else; in a command it is more than that.
func notInScheme(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '+' || r == '-')
}

// BlotHook is the hook without what may be a secret: of an address only the host is left.
func BlotHook(hook string) string {
	if !IsWebhook(hook) {
		return hook
	}
	scheme, rest, _ := strings.Cut(hook, "://")
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	host := rest[:end][strings.LastIndexByte(rest[:end], '@')+1:]
	if len(host) == len(rest) || rest == host+"/" {
		return hook
	}
	return scheme + "://" + host + "/" + Blot
}

// DefaultEventKinds are what hooks are told of: what somebody wants to know who does not look.
var DefaultEventKinds = []NoteKind{NoteReady, NoteEnded, NoteFailed, NoteBackoff, NoteStopped, NoteSurvived, NoteUnhealthy, NoteMemory, NoteMissed}

// eventKinds are all that a hook may be told of: not of what goes wrong with hooks, or it would never end.
var eventKinds = []NoteKind{
	NoteStarting, NoteStarted, NoteReady, NoteFollowed, NoteStopping, NoteSignal, NoteEnded, NoteStopped, NoteBackoff, NoteFailed, NoteSurvived, NoteLog,
	NoteUnhealthy, NoteHealthy, NoteMemory, NoteSkipped, NoteMissed, NoteExpired, NoteReloaded, NoteWatched,
}

const allEvents = "all"

// Tells reports whether hooks of the service are told of such an event.
func (s Service) Tells(kind NoteKind) bool {
	switch {
	case len(s.EventKinds) == 0:
		return slices.Contains(DefaultEventKinds, kind)
	case slices.Contains(s.EventKinds, allEvents):
		return slices.Contains(eventKinds, kind)
	}
	return slices.Contains(s.EventKinds, string(kind)) && slices.Contains(eventKinds, kind)
}

func setOnEvent(s *Service, value string, _ Caller) error {
	hook, err := ParseHook(value)
	if err == nil && !slices.Contains(s.OnEvent, hook) {
		s.OnEvent = append(slices.Clone(s.OnEvent), hook)
	}
	return err
}

func setEventKinds(s *Service, value string, _ Caller) error {
	var kinds []string
	for part := range strings.SplitSeq(value, ",") {
		kind := strings.TrimSpace(part)
		if kind != allEvents && !slices.Contains(eventKinds, NoteKind(kind)) {
			return fmt.Errorf("%q is no kind of event (%s, or all)", part, kindWords(eventKinds))
		}
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	s.EventKinds = kinds
	return nil
}

func kindWords(kinds []NoteKind) string {
	var words []string
	for _, k := range kinds {
		words = append(words, string(k))
	}
	return strings.Join(words, ", ")
}

func getEventKinds(s Service) []string {
	if len(s.EventKinds) == 0 {
		return nil
	}
	return []string{strings.Join(s.EventKinds, ",")}
}

// HookVersion is the version of the JSON that hooks get. Within one version fields are only added.
const HookVersion = 1

// HookEvent is what a hook is told, as JSON.
type HookEvent struct {
	Version int       `json:"version"`
	ID      int64     `json:"id"` // of the entry in the history; the same event may be told twice, with the same id
	At      time.Time `json:"at"`
	Host    string    `json:"host"`
	Service string    `json:"service"`
	Event   NoteKind  `json:"event"`
	Text    string    `json:"text"` // about the service, as "exited with status 3"
	Run     string    `json:"run,omitempty"`
}

var onEventOption = Option{Key: "on_event", Flag: "on-event", Arg: "HOOK", Repeat: true, Default: "none", Live: true,
	Help:   "tell a command or an address (https://…) what happens to it",
	Detail: "A command is run by /bin/sh -c, with the event in its environment and as JSON on its stdin; an address gets the JSON by POST. Each is told of one event after the other, at least once. Of an address list and status show only the host. See docs/hooks.md.",
	Access: Access{setOnEvent, func(s Service) []string { return s.OnEvent }}}

var eventKindsOption = Option{Key: "event_kinds", Flag: "event-kinds", Arg: "K,K", Default: "ready, ended, failed, backoff, stopped, survived, unhealthy, memory, missed", Live: true,
	Help:   "of which events its hooks are told, or all",
	Detail: "Those that tend events shows as kind.",
	Access: Access{setEventKinds, getEventKinds}}
