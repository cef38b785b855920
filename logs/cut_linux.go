package logs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// collapse takes the first length bytes out of the file, and what is after them moves to its beginning: at once for
// everybody who appends, since he and we take the same lock of the inode. See fallocate(2). It is never tried again by itself: after an
// error the caller has to find out what became of it.
func collapse(file *os.File, length int64) error {
	return unix.Fallocate(int(file.Fd()), unix.FALLOC_FL_COLLAPSE_RANGE, 0, length)
}

// punch gives the disk space of a range back, whose bytes are NULs from then on. Nothing moves.
func punch(file *os.File, offset, length int64) error {
	for {
		err := unix.Fallocate(int(file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, offset, length)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// writeOut has what waits in memory of a range of the file written to the disk, without a journal's commit; up to the end
// if length is 0. A collapse does the same with all that is to move, while the writers wait: what is on the disk before costs
// them nothing.
func writeOut(file *os.File, offset, length int64) {
	const all = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	_ = unix.SyncFileRange(int(file.Fd()), offset, length, all)
}

// holeFrom returns the first hole of the file at or after the offset. It is not ok if there is none but the end. A hole
// that nothing comes after ends where the file ends.
func holeFrom(file *os.File, offset int64) (hole gap, ok bool) {
	for {
		before, err := file.Stat()
		if err != nil || offset >= before.Size() {
			return gap{}, false
		}
		start, err := unix.Seek(int(file.Fd()), offset, unix.SEEK_HOLE)
		if err != nil || start >= before.Size() {
			return gap{}, false
		}
		end, err := unix.Seek(int(file.Fd()), start, unix.SEEK_DATA)
		if err == nil {
			return gap{start, end - start}, true
		}
		after, statErr := file.Stat()
		if !errors.Is(err, unix.ENXIO) || statErr != nil {
			return gap{}, false
		}
		if after.Size() == before.Size() { // nobody wrote meanwhile: up to here there was nothing
			return gap{start, before.Size() - start}, true
		}
	}
}
