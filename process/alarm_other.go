//go:build !linux

package process

// NewAlarm returns an alarm that is not set.
func NewAlarm() *Alarm {
	a := &Alarm{rings: make(chan struct{}, 1)}
	a.clock = newNapper(a.ring)
	return a
}
