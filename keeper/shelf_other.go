//go:build !linux

package keeper

import "os"

// Shelf is none here: nobody looks at what lies in a socket's queue without receiving it, descriptors included.
type Shelf struct{}

func newShelf() (in, out int) { return -1, -1 }

// OpenShelf finds none.
func OpenShelf() (*Shelf, error) { return nil, ErrNoShelf }

func (*Shelf) ends() []handed { return nil }

// Offer offers nothing.
func (*Shelf) Offer(string) error { return nil }

// Inherit finds nothing.
func (*Shelf) Inherit(string, map[string]*os.File) error { return nil }

// WithdrawOffers has nothing to withdraw.
func WithdrawOffers(string) {}

// All finds nothing.
func (*Shelf) All() (map[string]*os.File, error) { return nil, ErrNoShelf }

// Put keeps nothing.
func (*Shelf) Put(string, *os.File) error { return ErrNoShelf }

// Drop has nothing to drop.
func (*Shelf) Drop(string) error { return ErrNoShelf }

// Release has nothing to release.
func (*Shelf) Release(string) error { return ErrNoShelf }

// Settle has nothing to close.
func (*Shelf) Settle() error { return ErrNoShelf }
