package supervisor

import (
	"time"

	"tend"
	"tend/process"
)

// unwatched are main processes whose end nothing tells: there is no pidfd to be had for them (the kernel is older than
// 5.3, or too many descriptors are open), and no keeper of ours is their parent, who would write it down, or the kernel
// does not tell when one has written (too many inotify instances). Such are those that the 2008 script started, those that have
// outlived all of a chain, and all where neither is to be had. They alone are looked at from time to time.
type unwatched struct {
	mains map[tend.Identity]bool
	next  time.Time // of the next look; zero: there is nobody to look at
}

// unwatchedPause is the time between two looks.
const unwatchedPause = 500 * time.Millisecond

func (s *Supervisor) lookAfter(id tend.Identity) {
	if s.unwatched.mains == nil {
		s.unwatched.mains = map[tend.Identity]bool{}
	}
	s.unwatched.mains[id] = true
	if s.unwatched.next.IsZero() {
		s.unwatched.next = s.now.Add(unwatchedPause)
	}
}

// lookAtUnwatched takes in which of them have ended, when it is time to.
func (s *Supervisor) lookAtUnwatched() {
	if s.unwatched.next.IsZero() || s.now.Before(s.unwatched.next) {
		return
	}
	var ended []process.Gone
	for id := range s.unwatched.mains {
		if _, known := s.mains[id]; known && !process.Ended(id) {
			continue
		}
		delete(s.unwatched.mains, id)
		ended = append(ended, process.Gone{Identity: id})
	}
	s.unwatched.next = time.Time{}
	if len(s.unwatched.mains) > 0 {
		s.unwatched.next = s.now.Add(unwatchedPause)
	}
	s.gone(ended)
}
