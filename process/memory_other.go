//go:build !linux

package process

import "tend"

// Weighs says whether the memory of processes can be looked at.
const Weighs = false

// Kin finds nobody: how much memory anybody has is not looked at here.
func Kin(map[string]tend.Identity) map[string][]tend.Identity { return nil }

// Memory is not known.
func Memory([]tend.Identity, int64) int64 { return 0 }

// LimitMemory cannot.
func (*Cgroups) LimitMemory(string, int64) bool { return false }

// Memory is not known.
func (*Cgroups) Memory(string) (int64, bool) { return 0, false }

// OutOfMemory is not known.
func (*Cgroups) OutOfMemory(string) bool { return false }

// MemoryLimited is not so.
func (*Cgroups) MemoryLimited(string) bool { return false }
