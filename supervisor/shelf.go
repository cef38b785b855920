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
	if err != nil && !errors.Is(err, keeper.ErrNoShelf) {
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

// shelfSeparator stands between the fields of a name on the shelf: it can be in none of them.
const shelfSeparator = "\x00"
