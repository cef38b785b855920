//go:build !linux

package logs

import "os"

// PumpEvents is what a pump tells of: of nothing, here.
type PumpEvents struct {
	Ended func(Source)
	Waits func(Source, error)
}

// Pump moves nothing here: only Linux moves bytes from a pipe to a file without a copy that could be lost. Services write
// straight into their logs.
type Pump struct{}

// NewPump returns one.
func NewPump(PumpEvents) *Pump { return &Pump{} }

// Add refuses.
func (*Pump) Add(_ Source, read *os.File) error {
	read.Close()
	return ErrNoPump
}

// Has reports that there is nothing.
func (*Pump) Has(string) bool { return false }

// Writes reports that there is nothing.
func (*Pump) Writes(string) bool { return false }

// Busy reports that there is nothing.
func (*Pump) Busy() bool { return false }

// Drain has nothing to wait for.
func (*Pump) Drain(_ []string, done func()) { done() }

// Without calls f.
func (*Pump) Without(_ string, f func() error) error { return f() }

// Close does nothing.
func (*Pump) Close() {}

// NewPipe refuses.
func NewPipe(string) (service, read *os.File, err error) { return nil, nil, ErrNoPump }

// OpenPipe refuses.
func OpenPipe(string) (*os.File, error) { return nil, ErrNoPump }

// CanPump refuses.
func CanPump(Source) error { return ErrNoPump }
