package process

import (
	"os"
	"slices"
	"strings"
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
