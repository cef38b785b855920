package hook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"tend"
	"tend/internal/fault"
)

// Pauses between attempts to tell of one event, and when it is given up.
const (
	firstPause  = time.Second
	longestWait = 10 * time.Minute
	giveUpAfter = 6 * time.Hour
)

// tempFail is the exit status by which a command asks to be run again: EX_TEMPFAIL of sysexits.h.
const tempFail = 75

// teller tells one hook, event after event.
type teller struct {
	set    *Set
	ctx    context.Context
	cancel context.CancelFunc
	news   chan struct{}
	parted chan struct{} // closed when its service is no more

	mu     sync.Mutex // guards the target
	target Target

	// Guarded by the Set.
	running bool
	pausing bool
	cursor  int64

	trouble string
}

func (h *teller) name() string { return h.current().Service.Name }

func (h *teller) current() Target {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.target
}

// run tells what there is to tell.
func (h *teller) run() {
	for {
		select {
		case <-h.news:
		default:
			if h.rest() {
				return
			}
			continue
		}
		t := h.current()
		entries, err := h.set.host.Entries(h.ctx, t.Service.Name, h.at())
		if err != nil {
			if h.ctx.Err() == nil {
				h.complain(err)
			}
			continue
		}
		for _, e := range entries {
			if t.Service.Tells(e.Kind) && !h.deliver(e) {
				break // by another supervisor
			}
			h.passed(e.ID)
		}
		if h.ctx.Err() == nil && len(entries) > 0 {
			h.set.note(h)
		}
	}
}

// rest ends the work if nothing new has come.
func (h *teller) rest() bool {
	h.set.mu.Lock()
	defer h.set.mu.Unlock()
	if len(h.news) > 0 && h.ctx.Err() == nil {
		return false
	}
	h.running = false
	if h.parts() && h.ctx.Err() == nil { // otherwise somebody else has it, or the Set is closed
		h.set.forget(h)
	}
	h.set.host.Settled()
	return true
}

// parts reports whether its service is no more.
func (h *teller) parts() bool {
	select {
	case <-h.parted:
		return true
	default:
		return false
	}
}

func (h *teller) at() int64 {
	h.set.mu.Lock()
	defer h.set.mu.Unlock()
	return h.cursor
}

func (h *teller) passed(id int64) {
	h.set.mu.Lock()
	defer h.set.mu.Unlock()
	h.cursor = id
}

// deliver tells of one event until that has succeeded, or makes no sense. It reports whether the hook is done with it.
func (h *teller) deliver(e tend.Entry) bool {
	began, pause := time.Now(), firstPause
	for {
		err := h.attempt(e)
		if h.ctx.Err() != nil {
			return false
		}
		fault.At(fault.HookTold)
		var givenUp errGivenUp
		switch {
		case err == nil:
			h.complain(nil)
		case h.parts():
			h.complain(fmt.Errorf("%w; its service was removed, and it is told of nothing more", err))
			h.set.mu.Lock()
			h.set.forget(h)
			h.set.mu.Unlock()
			return false
		case errors.As(err, &givenUp):
			h.complain(fmt.Errorf("%w; that event is given up", err))
		case time.Since(began) > giveUpAfter:
			h.complain(fmt.Errorf("%w; after %s the event is given up", err, tend.Duration(giveUpAfter)))
		default:
			h.complain(fmt.Errorf("%w; tend keeps trying", err))
			if !h.pause(pause) {
				return false
			}
			pause = min(2*pause, longestWait)
			continue
		}
		h.passed(e.ID)
		h.set.note(h)
		return true
	}
}

// attempt tells of an event once.
func (h *teller) attempt(e tend.Entry) error {
	t := h.current()
	body, err := json.Marshal(tend.HookEvent{Version: tend.HookVersion, ID: e.ID, At: e.At, Host: h.set.host.Name, Service: t.Service.Label(), Event: e.Kind, Text: e.Text, Run: e.Run})
	if err != nil {
		return errGivenUp{err}
	}
	if tend.IsWebhook(t.Hook) {
		return post(h.ctx, h.set.client, t.Hook, e.ID, body)
	}
	env := []string{
		"TEND_EVENT=" + string(e.Kind), "TEND_TEXT=" + e.Text, "TEND_EVENT_RUN=" + e.Run, "TEND_EVENT_ID=" + strconv.FormatInt(e.ID, 10),
		"TEND_EVENT_AT=" + e.At.UTC().Format(time.RFC3339Nano),
	}
	result, err := h.set.host.Run(h.ctx, t, env, append(body, '\n'))
	switch {
	case err != nil:
		return err
	case result.OK():
		return nil
	case result.Exit.Code == tempFail:
		return errors.New("it " + result.String())
	}
	return errGivenUp{errors.New("it " + result.String())}
}

// pause waits before the next attempt. Meanwhile nobody has to wait for us.
func (h *teller) pause(d time.Duration) bool {
	set := func(pausing bool) {
		h.set.mu.Lock()
		h.pausing = pausing
		h.set.mu.Unlock()
	}
	set(true)
	h.set.host.Settled()
	defer set(false)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-h.parted:
		return true
	case <-h.ctx.Done():
		return false
	}
}

// complain tells of a failure, and when it is another one, or over.
func (h *teller) complain(err error) {
	t := h.current()
	text := ""
	if err != nil {
		text = fmt.Sprintf("its events cannot be told to %s: %v", tend.BlotHook(t.Hook), err)
	}
	if text == h.trouble {
		return
	}
	h.trouble = text
	h.set.host.Trouble(t.Service.Name, text)
}
