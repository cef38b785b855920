package notify

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Bind makes a socket at the path, which must not exist. Whoever sends is known by the kernel's word from the very first
// message on: that has been asked for before anybody can send.
func Bind(path string) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("making a socket: %w", err)
	}
	if err := errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1), unix.Bind(fd, &unix.SockaddrUnix{Name: path})); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("binding a socket to %s: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil // it blocks, or the runtime would wait for it as well
}

// mostFiles is SCM_MAX_FD: so many descriptors come with one message at most.
const mostFiles = 253

// buffer has room for one message and what comes with it.
type buffer struct {
	text    [MaxMessage + 1]byte
	control []byte
}

// fromHead is the place to peek at when the head of the queue is meant, whatever was taken out of it.
const fromHead = -1

// peekFrom sets how many bytes of the queue the kernel goes by when it is peeked at: whole messages, of which one without a byte
// counts as gone by when it was peeked at.
func peekFrom(fd, at int) {
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PEEK_OFF, at)
}

// peek looks at the message that lies that many bytes behind the head of the queue, where one must begin, and returns its size
// as well. It stays there. The error is that there is none.
func (s *Server) peek(fd, at int) (news News, size int, err error) {
	if at > 0 {
		peekFrom(fd, at)
		defer peekFrom(fd, fromHead)
	}
	b, ok := s.buffers.Get().(*buffer)
	if !ok {
		b = &buffer{control: make([]byte, unix.CmsgSpace(unix.SizeofUcred)+unix.CmsgSpace(4*mostFiles))}
	}
	defer s.buffers.Put(b)
	text, control := b.text[:], b.control
	controls, flags, err := 0, 0, error(unix.EINTR)
	for err == unix.EINTR {
		size, controls, flags, _, err = unix.Recvmsg(fd, text, control, unix.MSG_PEEK|unix.MSG_TRUNC|unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	}
	if err != nil {
		return News{}, 0, err
	}
	uid, files := receiveControl(control[:controls], &news)
	message, wrong := Parse(text[:min(size, len(text))])
	switch {
	case uid < 0 || uid != os.Geteuid() && uid != 0: // root may do anything
		wrong = fmt.Errorf("ignored, since it is from a process of another user (%d)", uid)
	case flags&unix.MSG_TRUNC != 0:
		wrong = fmt.Errorf("ignored, since it is longer than %d bytes", MaxMessage)
	default:
		news.Message = message
	}
	if flags&unix.MSG_CTRUNC != 0 && (message.Store || message.MainFD) {
		wrong = errors.Join(wrong, errors.New("not all descriptors that came along could be received: too many are open"))
	}
	news.Err = wrong
	for _, fd := range files {
		if !news.Store && !news.MainFD {
			unix.Close(fd)
			continue
		}
		news.Files = append(news.Files, os.NewFile(uintptr(fd), "received"))
	}
	return news, size, nil
}

// receiveControl takes what came beside the text: who sent it, and descriptors.
func receiveControl(control []byte, news *News) (uid int, files []int) {
	uid = -1
	messages, _ := unix.ParseSocketControlMessage(control)
	for i := range messages {
		if credentials, err := unix.ParseUnixCredentials(&messages[i]); err == nil {
			news.PID, uid = int(credentials.Pid), int(credentials.Uid)
			continue
		}
		fds, _ := unix.ParseUnixRights(&messages[i])
		files = append(files, fds...)
	}
	return uid, files
}

// discard takes the message at the head of the queue out, and returns its size. What came with it the kernel closes, since there
// is no room for it.
func discard(fd int) (size int, err error) {
	err = unix.EINTR
	for err == unix.EINTR {
		size, _, _, _, err = unix.Recvmsg(fd, nil, nil, unix.MSG_DONTWAIT|unix.MSG_TRUNC)
	}
	return max(0, size), err
}

// readable reports whether something is in the queue, without waiting.
func readable(fd int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0 && fds[0].Revents&unix.POLLIN != 0
}

// NewPipe makes a pipe for a service that tells in it that it is ready. Its end is open for reading as well, so that it is a
// reader itself and never gets SIGPIPE, whoever of us dies.
func NewPipe() (service, read *os.File, err error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, nil, fmt.Errorf("making a pipe: %w", err)
	}
	in, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", ends[1]), unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	unix.Close(ends[1])
	if err != nil {
		unix.Close(ends[0])
		return nil, nil, fmt.Errorf("opening a pipe: %w", err)
	}
	return os.NewFile(uintptr(in), "pipe"), os.NewFile(uintptr(ends[0]), "pipe"), nil
}

// lineComes reports whether the end of a line is in the pipe. It stays there. What comes before it says nothing, and is taken
// out where there is no more.
func lineComes(fd int) bool {
	buffer := make([]byte, pipeSize)
	for {
		n, err := copyPipe(fd, buffer)
		if err != nil { // then it is known to us alone
			n, err := unix.Read(fd, buffer)
			return err == nil && bytes.IndexByte(buffer[:n], '\n') >= 0
		}
		if n == 0 || bytes.IndexByte(buffer[:n], '\n') >= 0 {
			return n > 0
		}
		if _, err := unix.Read(fd, buffer[:n]); err != nil {
			return false
		}
	}
}

// pipeSize is how much a pipe holds, see pipe(7).
const pipeSize = 64 << 10

// copyPipe reads what is in the pipe, and leaves it there: tee(2). It fails where that takes descriptors that are not to be
// had.
func copyPipe(fd int, buffer []byte) (int, error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return 0, err
	}
	defer unix.Close(ends[0])
	defer unix.Close(ends[1])
	if n, err := unix.Tee(fd, ends[1], len(buffer), unix.SPLICE_F_NONBLOCK); err != nil || n == 0 {
		return 0, nil
	}
	return unix.Read(ends[0], buffer)
}
