package keeper

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// rejoin takes the chain's lock again where somebody has removed its file, or all of the runtime directory: nobody who
// looks for the chain would find it, and another would be started beside it. It is done before a child is started, and
// when the supervisor, which watches the directory, says so by SIGHUP.
func (k *keep) rejoin() {
	if k.inherit.chain < 0 || k.config.Detach || isAt(k.inherit.chain, keepersLock(k.config.Dir)) {
		return
	}
	if err := remakeDirectory(k.config.Dir); err != nil {
		k.say("the runtime directory is gone: %v", err)
		return
	}
	l, err := openLock(keepersLock(k.config.Dir))
	if err == nil {
		if err = l.flock(unix.LOCK_SH | unix.LOCK_NB); err != nil {
			l.Close()
		}
	}
	if err != nil {
		k.say("the lock of the keepers is gone, and cannot be taken again: %v", err)
		return
	}
	say(l.fd, said(k.inherit.chain))
	k.inherit.closeChain()
	k.inherit.chain = l.fd
	k.holdDirectory()
	ReopenLog(k.config.Dir)
	k.say("the lock of the keepers was gone, and has been taken again")
}

// holdDirectory locks the runtime directory, so that systemd-tmpfiles leaves it alone.
func (k *keep) holdDirectory() {
	fd, err := unix.Open(k.config.Dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB)
	closeOnce(&k.directory) // the one that was removed
	k.directory = fd
}

// rejoinAbove tells the keeper above to do the same. It is the parent: so its pid is nobody else's.
func (k *keep) rejoinAbove() {
	if k.config.Inner && k.outer != 0 && k.outer == os.Getppid() {
		syscall.Kill(k.outer, syscall.SIGHUP)
	}
}

// isAt reports whether the open file is the one at the path.
func isAt(fd int, path string) bool {
	var opened, there unix.Stat_t
	return unix.Fstat(fd, &opened) == nil && unix.Lstat(path, &there) == nil && opened.Dev == there.Dev && opened.Ino == there.Ino
}

// ReopenLog has this process write to the log of tend's own processes again where somebody has removed its file.
func ReopenLog(dir string) {
	var log unix.Stat_t
	if unix.Fstat(2, &log) != nil || log.Nlink != 0 || log.Mode&unix.S_IFMT != unix.S_IFREG {
		return
	}
	fd, err := unix.Open(TendLog(dir), unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return // then nobody reads what is said
	}
	defer unix.Close(fd)
	for _, standard := range []int{1, 2} {
		_ = unix.Dup2(fd, standard)
	}
}
