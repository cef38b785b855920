package process

import (
	"math"
	"os"
	"slices"
	"strings"
	"syscall"
)

// Capability is one mechanism of the kernel that tend uses where it can and does without where it must.
type Capability struct {
	Name    string // as TEND_WITHOUT has it
	Have    bool
	Since   string // the first kernel that has it
	Without string // what is lost without it
}

// Capabilities are all of them.
type Capabilities []Capability

// Has reports whether the mechanism can be used.
func (c Capabilities) Has(name string) bool {
	return slices.ContainsFunc(c, func(c Capability) bool { return c.Name == name && c.Have })
}

// SwitchedOff reports whether the mechanism is named in TEND_WITHOUT: a list, separated by commas, of mechanisms that
// are not to be used, so that every fallback can be tested on a kernel that needs none of them.
func SwitchedOff(name string) bool {
	return slices.Contains(strings.Split(os.Getenv("TEND_WITHOUT"), ","), name)
}

// elsewhere are mechanisms that other packages probe for.
var elsewhere = []string{"collapse", "punch", "lease", "cgroup"}

// Misnamed returns the words of TEND_WITHOUT that name no mechanism.
func Misnamed() []string {
	var unknown []string
	for _, word := range strings.Split(os.Getenv("TEND_WITHOUT"), ",") {
		if word != "" && !slices.Contains(Names(), word) {
			unknown = append(unknown, word)
		}
	}
	return unknown
}

// Names are the words that TEND_WITHOUT may hold.
func Names() []string {
	names := slices.Clone(elsewhere)
	for _, m := range mechanisms() {
		names = append(names, m.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// mechanism is a capability and how to find out whether the kernel has it.
type mechanism struct {
	Capability
	try func() bool
}

// Descriptors is how many files this process may have open.
func Descriptors() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt32
	}
	return int(min(uint64(limit.Cur), math.MaxInt32))
}
