package logs

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// glance is what Look finds where nothing out of the ordinary has happened, which a few system calls can tell. Most logs are
// like that, and there may be a thousand of them in one directory: it is not listed.
func (r *Rotator) glance(path string, known int64) (found Found, l layout, ordinary bool) {
	l, err := loadLayout(path)
	if err != nil || l.cut != nil || l.swap != nil || l.head > l.base {
		return Found{}, l, false
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return Found{}, l, false
	}
	inode := inodeOf(info)
	if was := cmp.Or(l.inode, r.inodes[path]); was != 0 && was != inode || l.inode == 0 && l.known() > 0 {
		return Found{}, l, false
	}
	end := l.logical(info.Size())
	mark, err := lastMark(MarksPath(path))
	if err != nil || end < max(known, l.known(), mark.Offset) {
		return Found{}, l, false
	}
	r.remember(path, inode)
	return Found{Size: end - l.head, End: end, File: info}, l, true
}

// remember takes note of which file was the live one.
func (r *Rotator) remember(path string, inode uint64) {
	if r.inodes == nil {
		r.inodes = map[string]uint64{}
	}
	r.inodes[path] = inode
}

// Ready readies a log for a service that is about to be started. What is unfinished is brought to its end, and what is too long
// by now, or has a hole, is swapped: see Swap. Where nothing has to be done, which is mostly so, that costs no more than a few
// system calls.
func (r *Rotator) Ready(path string, limits Limits, now time.Time) error {
	found, l, ordinary := r.glance(path, 0)
	if ordinary && len(l.gaps) == 0 && (limits.Max <= 0 || found.Size < limits.Max) {
		return nil
	}
	if !ordinary && isFresh(path, l) {
		return nil
	}
	if err := r.Recover(path); err != nil {
		return err
	}
	_, err := r.Swap(path, limits, now)
	return err
}

// isFresh reports whether there is nothing yet of the log.
func isFresh(path string, l layout) bool {
	if l.known() > 0 || l.cut != nil || l.swap != nil {
		return false
	}
	for _, file := range []string{path, layoutPath(path), MarksPath(path)} {
		if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	return true
}

// Unfinished reports whether there are traces of a rotation that was not brought to its end: see Recover.
func Unfinished(path string) bool {
	if l, err := loadLayout(path); err != nil || l.cut != nil || l.swap != nil {
		return true
	}
	return slices.ContainsFunc([]string{partPath(path), nextPath(path), packingPath(path)}, func(file string) bool {
		_, err := os.Lstat(file)
		return err == nil
	})
}

// Uncompressed returns the logs in the directory of which there are archives that are not compressed.
func Uncompressed(directory string) (paths []string) {
	entries, err := os.Open(directory)
	if err != nil {
		return nil
	}
	defer entries.Close()
	names, _ := entries.Readdirnames(-1)
	for _, name := range names {
		end := strings.LastIndex(name, suffix+".")
		if end < 0 {
			continue
		}
		path := filepath.Join(directory, name[:end]+suffix)
		if a, ok := parseArchive(path, name); ok && !a.packed {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
