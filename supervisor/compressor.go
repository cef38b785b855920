package supervisor

import (
	"context"
	"errors"
	"sync"

	"tend/logs"
)

// compressor compresses archives, those of one log after those of another, in a goroutine that is there as long as there
// are any.
type compressor struct {
	compress func(ctx context.Context, path string) error
	failed   func(format string, args ...any)
	ctx      context.Context
	cancel   context.CancelFunc
	work     sync.WaitGroup

	mu      sync.Mutex
	waiting []string // logs with archives to be compressed
	running bool
}

func newCompressor(compress func(context.Context, string) error, failed func(string, ...any)) *compressor {
	c := &compressor{compress: compress, failed: failed}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// put has the archives of the log compressed.
func (c *compressor) put(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.waiting {
		if w == path {
			return
		}
	}
	c.waiting = append(c.waiting, path)
	if !c.running {
		c.running = true
		c.work.Go(c.run)
	}
}

// begin has those compressed that a predecessor has left in the directory of the logs.
func (c *compressor) begin(directory string) {
	c.work.Go(func() {
		for _, path := range logs.Uncompressed(directory) {
			c.put(path)
		}
	})
}

func (c *compressor) run() {
	for path, ok := c.next(); ok; path, ok = c.next() {
		if err := c.compress(c.ctx, path); err != nil && !errors.Is(err, context.Canceled) {
			c.failed("%v", err)
		}
	}
}

func (c *compressor) next() (path string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 || c.ctx.Err() != nil {
		c.running = false
		return "", false
	}
	path, c.waiting = c.waiting[0], c.waiting[1:]
	return path, true
}

// stop ends it, in the middle of an archive: the next supervisor begins that anew.
func (c *compressor) stop() {
	c.cancel()
	c.work.Wait()
}
