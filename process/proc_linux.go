package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// procPath is the path of a file in a process's directory.
func procPath(pid int, file string) string { return "/proc/" + strconv.Itoa(pid) + "/" + file }

// readFile reads a small file of /proc, relative to the directory at, into the buffer, growing it as needed. Package
// os would ask the poller about each of them, which costs more than the reading.
func readFile(at int, path string, buffer []byte) ([]byte, error) {
	fd, err := retry(func() (int, error) { return unix.Openat(at, path, unix.O_RDONLY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return buffer[:0], err
	}
	defer unix.Close(fd)
	buffer = buffer[:0]
	for {
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, 0)[:len(buffer)]
		}
		n, err := retry(func() (int, error) { return unix.Read(fd, buffer[len(buffer):cap(buffer)]) })
		if err != nil || n == 0 {
			return buffer, err
		}
		buffer = buffer[:len(buffer)+n]
	}
}

// retry does it again as long as a signal interrupts it.
func retry(do func() (int, error)) (int, error) {
	for {
		n, err := do()
		if err != unix.EINTR {
			return n, err
		}
	}
}

// gone turns the errors that /proc gives for a process that ended meanwhile into ErrGone.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return ErrGone
	}
	return err
}

// ReadStat reads what is known of the process. The error is ErrGone when there is none.
func ReadStat(pid int) (Stat, error) {
	text, err := readFile(unix.AT_FDCWD, procPath(pid, "stat"), make([]byte, 0, 512))
	if err != nil {
		return Stat{}, fmt.Errorf("reading process %d: %w", pid, gone(err))
	}
	stat, err := parseStat(text)
	if err != nil {
		return Stat{}, fmt.Errorf("reading process %d: %w", pid, err)
	}
	return stat, nil
}

// Owner returns the effective user of the process: the owner of its directory, even where those of the files in it are
// root's.
func Owner(pid int) (uid int, err error) {
	var dir unix.Stat_t
	if err := unix.Stat("/proc/"+strconv.Itoa(pid), &dir); err != nil {
		return 0, fmt.Errorf("reading process %d: %w", pid, gone(err))
	}
	return int(dir.Uid), nil
}

// Fields of /proc/PID/stat that we use, counted from the state, which is field 3 in proc_pid_stat(5).
const (
	fieldState      = 0
	fieldPPID       = 4 - 3
	fieldSession    = 6 - 3
	fieldThreads    = 20 - 3
	fieldStart      = 22 - 3
	fieldMemory     = 23 - 3
	fieldCode       = 26 - 3 // where the code begins
	fieldEnvStart   = 50 - 3 // since Linux 3.5, and 0 for processes that we may not trace
	fieldEnvEnd     = 51 - 3 // the same
	fieldWaitStatus = 52 - 3 // since Linux 3.5
)

// parseStat reads the text of /proc/PID/stat. The command may hold anything, also blanks and brackets.
func parseStat(text []byte) (Stat, error) {
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 2 || end < open || len(text) < end+4 {
		return Stat{}, fmt.Errorf("%q is not a process", text)
	}
	stat := Stat{Command: string(text[open+1 : end]), State: text[end+2]}
	stat.PID = int(number(text[:open-1]))
	rest := text[end+2:]
	for field := 0; len(rest) > 0; field++ {
		var word []byte
		if word, rest, _ = bytes.Cut(rest, []byte{' '}); field == fieldState {
			continue
		}
		switch field {
		case fieldPPID:
			stat.PPID = int(number(word))
		case fieldSession:
			stat.Session = int(number(word))
		case fieldThreads:
			stat.Threads = int(number(word))
		case fieldStart:
			stat.Start = number(word)
		case fieldWaitStatus:
			stat.WaitStatus = uint32(number(bytes.TrimSpace(word)))
		}
	}
	return stat, nil
}

// number reads a decimal number; anything else counts as 0, as with negative ones, which none of our fields has.
func number(digits []byte) (n uint64) {
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0
		}
		n = n*10 + uint64(d-'0')
	}
	return n
}

// numbers reads what the kernel separates by blanks.
func numbers(text []byte) (found []int) {
	n := -1
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			n = max(n, 0)*10 + int(c-'0')
		case n >= 0:
			found, n = append(found, n), -1
		}
	}
	if n >= 0 {
		found = append(found, n)
	}
	return found
}

// statusField returns a line of /proc/PID/status, without its name: "Tgid".
func statusField(pid int, name string) ([]string, error) {
	text, err := readFile(unix.AT_FDCWD, procPath(pid, "status"), make([]byte, 0, 2048))
	if err != nil {
		return nil, gone(err)
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name+":")); ok {
			return strings.Fields(string(rest)), nil
		}
	}
	return nil, fmt.Errorf("no %s in the status of process %d", name, pid)
}

// isProcess tells a process from a thread: /proc answers for the ids of both.
func isProcess(pid int) bool {
	tgid, err := statusField(pid, "Tgid")
	return err == nil && len(tgid) == 1 && tgid[0] == strconv.Itoa(pid)
}

// list splits what the kernel separates by NUL bytes.
func list(text []byte) []string {
	text = bytes.TrimSuffix(text, []byte{0})
	if len(text) == 0 {
		return nil
	}
	return strings.Split(string(text), "\x00")
}

// Environ returns the environment that the process was executed with: NAME=value. A program that overwrites the
// memory (to set its title, say) hides it.
func Environ(pid int) ([]string, error) {
	text, err := readFile(unix.AT_FDCWD, procPath(pid, "environ"), nil)
	if err != nil {
		return nil, fmt.Errorf("reading the environment of process %d: %w", pid, gone(err))
	}
	return list(text), nil
}

// CommandLine returns the arguments of the process; none for a zombie.
func CommandLine(pid int) ([]string, error) {
	text, err := readFile(unix.AT_FDCWD, procPath(pid, "cmdline"), nil)
	if err != nil {
		return nil, fmt.Errorf("reading the command line of process %d: %w", pid, gone(err))
	}
	return list(text), nil
}

// WorkingDirectory returns the directory that the process is in; one that was removed ends in " (deleted)".
func WorkingDirectory(pid int) (string, error) {
	dir, err := os.Readlink(procPath(pid, "cwd"))
	if err != nil {
		return "", fmt.Errorf("reading the working directory of process %d: %w", pid, gone(err))
	}
	return dir, nil
}
