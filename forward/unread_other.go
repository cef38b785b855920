//go:build !linux

package forward

// fionread asks how much of what is in a pipe was not read yet; see tty(4), sys/filio.h.
const fionread = 0x4004667f
