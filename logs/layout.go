package logs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// layout says how the bytes of the live file are placed in the stream. It stands beside the live file; where it is
// absent, its zero value holds: nothing was ever cut off or replaced.
//
// Everything that changes the place of a byte is announced in a layout before it is done. That is what lets readers do
// without a lock: see doc.go.
type layout struct {
	inode  uint64 // of the live file that this speaks of; 0: any. (No device: many get another number at each boot.)
	epoch  int64  // how often the live file was cut short or replaced behind our back
	origin int64  // where in the stream the first byte of this epoch is
	base   int64  // where in the stream the live file's first byte is
	head   int64  // the live file holds what is from here on; before it are archives. base, or more after a punch
	gaps   []gap  // in order
	cut    *cut
	swap   *swap

	// A reader that holds the file of the epoch before, and has not looked for a while, has to know whether it still knows how
	// that lies: cuts counts how often anything was cut off at all, and former is what cuts and head were when that epoch
	// ended. -1: it was not the live file then.
	cuts       int64
	formerCuts int64
	formerHead int64
}

// gap is a range of the live file that nobody wrote: NULs that take no place in the stream.
type gap struct{ offset, length int64 } // in the file

// cut announces that the first length bytes of the live file are about to be removed from it, by a collapse, which
// either happens or does not, but never in part. Before it the file was so long, and the bytes at 0 and at length were
// in those places of the disk: which of them is found at 0 tells whether it has happened.
type cut struct{ length, first, next, size int64 }

// swap announces that another file is about to become the live one, beginning there in the stream.
type swap struct {
	inode uint64
	base  int64
}

func layoutPath(path string) string { return path + ".index" }

// logical returns where in the stream the byte at an offset of the live file is; where that is in a gap, the next one.
func (l layout) logical(physical int64) int64 {
	at := l.base + physical
	for _, g := range l.gaps {
		at -= min(max(physical-g.offset, 0), g.length)
	}
	return at
}

// physical is the opposite of logical. Of an offset at which a gap begins it is the place behind the gap.
func (l layout) physical(logical int64) int64 {
	at := logical - l.base
	for _, g := range l.gaps {
		if at < g.offset {
			break
		}
		at += g.length
	}
	return at
}

// end is where in the stream the live file ends if it has that size. It is before all that is known if that is shorter than
// it must be, since it ends within a gap.
func (l layout) end(size int64) int64 {
	if n := len(l.gaps); n > 0 && size < l.gaps[n-1].offset+l.gaps[n-1].length {
		return l.base - 1
	}
	return l.logical(size)
}

// contiguous is how many bytes follow the offset of the live file until the next gap, at most n.
func (l layout) contiguous(physical int64, n int64) int64 {
	for _, g := range l.gaps {
		if g.offset > physical {
			return min(n, g.offset-physical)
		}
	}
	return n
}

// shortened is the layout once the first length bytes of the live file are removed.
func (l layout) shortened(length int64) layout {
	next := l
	next.base, next.gaps, next.cut = l.logical(length), nil, nil
	next.cuts++
	next.head = max(l.head, next.base)
	for _, g := range l.gaps {
		if end := g.offset + g.length - length; end > 0 {
			offset := max(0, g.offset-length)
			next.gaps = append(next.gaps, gap{offset, end - offset})
		}
	}
	return next
}

// swapped is the layout once the announced file is the live one.
func (l layout) swapped() layout {
	return layout{inode: l.swap.inode, epoch: l.epoch, origin: l.origin, base: l.swap.base, head: l.swap.base, cuts: l.cuts, formerCuts: -1, formerHead: -1}
}

// begun is the layout once the live file begins anew behind our back: what is in it now follows what was known.
func (l layout) begun(inode uint64, known int64) layout {
	return layout{inode: inode, epoch: l.epoch + 1, origin: known, base: known, head: known, cuts: l.cuts, formerCuts: l.cuts, formerHead: l.head}
}

// known is the end of the stream as far as the layout tells.
func (l layout) known() int64 {
	if l.swap != nil {
		return max(l.head, l.swap.base)
	}
	return l.head
}

// text is the layout as it stands in its file. The last line tells a whole one from one whose end is missing.
func (l layout) text() []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "inode %d\nepoch %d\norigin %d\nbase %d\nhead %d\n", l.inode, l.epoch, l.origin, l.base, l.head)
	for _, g := range l.gaps {
		fmt.Fprintf(&out, "gap %d %d\n", g.offset, g.length)
	}
	if l.cuts != 0 || l.formerCuts != 0 || l.formerHead != 0 {
		fmt.Fprintf(&out, "cuts %d %d %d\n", l.cuts, l.formerCuts, l.formerHead)
	}
	if l.cut != nil {
		fmt.Fprintf(&out, "cut %d %d %d %d\n", l.cut.length, l.cut.first, l.cut.next, l.cut.size)
	}
	if l.swap != nil {
		fmt.Fprintf(&out, "swap %d %d\n", l.swap.inode, l.swap.base)
	}
	out.WriteString("end\n")
	return out.Bytes()
}

// errLayout: the layout is damaged.
var errLayout = errors.New("it is damaged")

func parseLayout(text []byte) (layout, error) {
	var l layout
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		key, values, _ := strings.Cut(lines.Text(), " ")
		var err error
		switch key {
		case "inode":
			_, err = fmt.Sscan(values, &l.inode)
		case "epoch":
			_, err = fmt.Sscan(values, &l.epoch)
		case "origin":
			_, err = fmt.Sscan(values, &l.origin)
		case "base":
			_, err = fmt.Sscan(values, &l.base)
		case "head":
			_, err = fmt.Sscan(values, &l.head)
		case "cuts":
			_, err = fmt.Sscan(values, &l.cuts, &l.formerCuts, &l.formerHead)
		case "gap":
			var g gap
			_, err = fmt.Sscan(values, &g.offset, &g.length)
			l.gaps = append(l.gaps, g)
		case "cut":
			l.cut = &cut{}
			_, err = fmt.Sscan(values, &l.cut.length, &l.cut.first, &l.cut.next, &l.cut.size)
		case "swap":
			l.swap = &swap{}
			_, err = fmt.Sscan(values, &l.swap.inode, &l.swap.base)
		case "end":
			return l, nil
		} // what a later version has added is not for us
		if err != nil {
			return layout{}, errLayout
		}
	}
	return layout{}, errLayout
}

// loadLayout reads the layout of the log; one that is absent is the zero value.
func loadLayout(path string) (layout, error) {
	text, err := os.ReadFile(layoutPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return layout{}, nil
	}
	if err != nil {
		return layout{}, fmt.Errorf("reading how the log %q lies: %w", path, err)
	}
	l, err := parseLayout(text)
	if err != nil {
		return layout{}, fmt.Errorf("reading how the log %q lies: %w", path, err)
	}
	return l, nil
}

// save puts the layout into the place of the one before: a reader sees this one or that one. A durable one also survives
// that the host loses power. Whoever may read the log may read it.
func (l layout) save(path string, durable bool) error {
	mode := os.FileMode(0o600)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	if err := replaceFile(layoutPath(path), l.text(), mode, durable); err != nil {
		return fmt.Errorf("writing how the log %q lies: %w", path, err)
	}
	return nil
}

// replaceFile gives a file its content at once. There is one writer, so one name for what is not whole yet.
func replaceFile(path string, text []byte, mode os.FileMode, durable bool) error {
	file, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil && durable {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil && durable {
		err = syncDirectory(filepath.Dir(path))
	}
	return err
}

// syncDirectory makes durable what names the directory has.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	defer directory.Close()
	if err := directory.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // a file system that cannot, need not
		return err
	}
	return nil
}

// inodeOf is the number that tells the file from another under the same name.
func inodeOf(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Ino
	}
	return 0
}
