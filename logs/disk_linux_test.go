package logs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tend/internal/testenv"
)

// inner is set in a process that has a mount namespace of its own: whatever it mounts is gone with it, however it ends.
const inner = "TEND_LOGS_INNER"

// ownMounts runs the test in such a process, and reports whether this is it.
func ownMounts(t *testing.T) bool {
	t.Helper()
	testenv.NeedRoot(t)
	testenv.Need(t, "mount", "umount")
	if os.Getenv(inner) != "" {
		return true
	}
	c := exec.Command("/proc/self/exe", append(os.Args[1:], "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.v")...)
	c.Env = append(os.Environ(), inner+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := c.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("in a mount namespace of its own: %v", err)
	}
	return false
}

// A disk is a kind of file system that logs may be on.
type disk struct {
	name    string
	kind    string // as /proc/filesystems has it
	program string // that makes one, in the package of Debian that .ci/run installs
	args    []string
	method  string
	unit    int64
}

var disks = []disk{
	{"ext4", "ext4", "mkfs.ext4", []string{"-q", "-b", "4096"}, Collapse, 4 << 10},
	{"ext4-1k", "ext4", "mkfs.ext4", []string{"-q", "-b", "1024"}, Collapse, 4 << 10},
	{"ext4-64k", "ext4", "mkfs.ext4", []string{"-q", "-O", "bigalloc", "-C", "65536"}, Collapse, 64 << 10},
	{"ext4-blocks", "ext4", "mkfs.ext4", []string{"-q", "-O", "^extent,^64bit"}, Punch, 0},
	{"xfs", "xfs", "mkfs.xfs", []string{"-q"}, Collapse, 4 << 10},
	{"btrfs", "btrfs", "mkfs.btrfs", []string{"-q"}, Punch, 0},
	{"overlay", "overlay", "mkfs.ext4", []string{"-q"}, Collapse, 4 << 10},
	{"tmpfs", "tmpfs", "", nil, Punch, 0},
}

// mounted makes such a file system and returns a directory on it. It is in memory: the disk is to be no slower than the rest.
func (d disk) mounted(t *testing.T) string {
	t.Helper()
	if known, err := os.ReadFile("/proc/filesystems"); err != nil || !strings.Contains(string(known), "\t"+d.kind+"\n") {
		t.Skipf("this kernel has no %s", d.kind) // nothing that a package could mend
	}
	dir := t.TempDir()
	mount(t, dir, "-t", "tmpfs", "-o", "size=512m", "none")
	if d.program == "" {
		return dir
	}
	testenv.Need(t, d.program)
	image, on := filepath.Join(dir, "image"), filepath.Join(dir, "on")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 320<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(d.program, append(d.args, image)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", d.program, err, out)
	}
	if err := os.Mkdir(on, 0o700); err != nil {
		t.Fatal(err)
	}
	if fs := d.kind; fs == "overlay" {
		mount(t, on, "-t", "ext4", "-o", "loop", image)
		for _, name := range []string{"lower", "upper", "work", "merged"} {
			if err := os.Mkdir(filepath.Join(on, name), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		merged := filepath.Join(on, "merged")
		mount(t, merged, "-t", "overlay", "-o", "lowerdir="+on+"/lower,upperdir="+on+"/upper,workdir="+on+"/work", "none")
		return merged
	}
	mount(t, on, "-t", d.kind, "-o", "loop", image)
	return on
}

func mount(t *testing.T, on string, args ...string) {
	t.Helper()
	if out, err := exec.Command("mount", append(args, on)...).CombinedOutput(); err != nil {
		t.Fatalf("mount %q: %v\n%s", args, err, out)
	}
	t.Cleanup(func() {
		err := unix.Unmount(on, 0)
		// A process that another test is just making has open what we had, until it executes its program.
		for end := time.Now().Add(10 * time.Second); err == unix.EBUSY && time.Now().Before(end); err = unix.Unmount(on, 0) {
			time.Sleep(time.Millisecond)
		}
		if err != nil {
			t.Errorf("unmounting: %v", err)
			_ = unix.Unmount(on, unix.MNT_DETACH)
		}
	})
}
