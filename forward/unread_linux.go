package forward

import "golang.org/x/sys/unix"

// fionread asks how much of what is in a pipe was not read yet; see pipe(7), where it is called FIONREAD.
const fionread = unix.TIOCINQ
