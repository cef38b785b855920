//go:build !linux

package process

// Probe tries each mechanism once. Only Linux has any of them.
func Probe() Capabilities { return nil }

func mechanisms() []mechanism { return nil }
