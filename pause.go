package tend

import (
	"fmt"
	"hash/fnv"
	"time"
)

// Pause is how long tend waits after that many failures in a row before it starts the service again: nothing after
// the first, then Backoff.Min, doubling up to Backoff.Max. Up to a fifth is taken off, differently for each service
// and attempt, so that services that failed together do not return together.
func Pause(s Service, failures int) time.Duration {
	if failures <= 1 {
		return 0
	}
	s = s.WithDefaults()
	pause, longest := time.Duration(s.Backoff.Min), time.Duration(s.Backoff.Max)
	for i := 2; i < failures && pause < longest; i++ {
		pause *= 2
	}
	pause = min(pause, longest)
	h := fnv.New32a()
	fmt.Fprintf(h, "%s/%d", s.Name, failures)
	return pause - time.Duration(float64(pause)*0.2*float64(h.Sum32()%1024)/1024)
}
