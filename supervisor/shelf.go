package supervisor

import (
	"errors"
	"os"
	"strings"

	"tend/keeper"
)

// openShelf takes over what the last supervisor has left on the shelf. Only the supervisor that has the lock may. What lies
// there is named by fields, of which the first says whose it is; it is for its owner to take it from the shelf when it is not
// needed any more.
func (s *Supervisor) openShelf() {
	owners := map[string]func(name string, file *os.File){
		onShelf:        s.pipes.take,
		onShelfListens: s.sockets.take,
		onShelfNotify:  s.channels.take,
		onShelfReady:   s.channels.takePipe,
		onShelfStored:  s.stored.take,
	}
	files, err := s.shelf.All()
	if err == nil {
		err = s.shelf.Settle()
	}
	if err != nil && !errors.Is(err, keeper.ErrNoShelf) {
		s.logf("%v", err)
	}
	if files == nil {
		files = map[string]*os.File{}
	}
	if err := s.shelf.Inherit(s.dir, files); err != nil && !errors.Is(err, keeper.ErrNoShelf) {
		s.logf("%v", err)
	}
	for name, file := range files {
		kind, _, _ := strings.Cut(name, shelfSeparator)
		if take := owners[kind]; take != nil {
			take(name, file)
		} else {
			file.Close()
		}
	}
}

// offerShelf lets whoever has the lock next take over what is on the shelf, in case that a command starts its keepers before we
// can. It ends with us.
func (s *Supervisor) offerShelf() {
	if err := s.shelf.Offer(s.dir); err != nil {
		s.logf("%v", err)
	}
}

// shelfSeparator stands between the fields of a name on the shelf: it can be in none of them.
const shelfSeparator = "\x00"
