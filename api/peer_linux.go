package api

import (
	"cmp"
	"net"

	"golang.org/x/sys/unix"
)

// peerUID is the user at the other end, as the kernel noted it at connect; see SO_PEERCRED in unix(7).
func peerUID(conn *net.UnixConn) (int, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return -1, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) { cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err != nil || credErr != nil {
		return -1, cmp.Or(err, credErr)
	}
	return int(cred.Uid), nil
}
