//go:build !linux

package process

import "tend"

// Listening knows nothing here.
func Listening([]tend.Identity) []Listener { return nil }

// Holders knows nothing here.
func Holders(func(Listener) bool) []Stat { return nil }
