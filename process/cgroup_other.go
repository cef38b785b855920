//go:build !linux

package process

import (
	"os"

	"tend"
)

// Cgroups are nothing here.
type Cgroups struct{}

// NewCgroups returns none.
func NewCgroups(string) *Cgroups { return &Cgroups{} }

// Make makes none.
func (*Cgroups) Make(string) *os.File { return nil }

// Refused does nothing.
func (*Cgroups) Refused() {}

// Adopt finds none.
func (*Cgroups) Adopt(string, tend.Identity) {}

// Members finds nobody.
func (*Cgroups) Members(string) []tend.Identity { return nil }

// Kill kills nobody.
func (*Cgroups) Kill(string) {}

// Remove does nothing.
func (*Cgroups) Remove(string) {}

// Sweep does nothing.
func (*Cgroups) Sweep(func(string) bool) {}

// Close does nothing.
func (*Cgroups) Close() {}

// LeaveRun does nothing.
func LeaveRun() {}
