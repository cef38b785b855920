package supervisor

import (
	"tend"
	"tend/process"
)

// traces are what looks at a tree have seen of processes that had ended by then. A tree that is seen to change is not seen
// whole.
type traces struct {
	dead   map[tend.Identity]bool // known to have ended
	missed int                    // looks in a row that only missed somebody
}

// note notes that the process has ended: it is no news when a look finds it dead.
func (t *traces) note(id tend.Identity) (fresh bool) {
	if t.dead[id] {
		return false
	}
	if t.dead == nil {
		t.dead = map[tend.Identity]bool{}
	}
	t.dead[id] = true
	return true
}

// found reports whether any of the dead of a look is news, the main process aside.
func (t *traces) found(main tend.Identity, dead []tend.Identity) (fresh bool) {
	for _, id := range dead {
		fresh = id != main && t.note(id) || fresh
	}
	return fresh
}

// passing reports whether others than those it found must be thought to be there after a look: because it came upon
// some that had ended, or because it found nobody and missed somebody. That may be a relay that nobody catches sight of,
// or nobody's business, which can only be told by looking on, but not for ever.
func (t *traces) passing(all process.Snapshot, anybody, seen bool) bool {
	if seen || anybody || !all.Missed() {
		t.missed = 0
		return seen
	}
	t.missed++
	return t.missed <= hastyLooks
}
