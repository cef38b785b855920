//go:build !linux

package process

import "tend"

// WouldEnd is not known here.
func WouldEnd(id tend.Identity, signal string) bool { return false }
