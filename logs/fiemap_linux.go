package logs

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// fiemap and fiemapExtent are what the kernel's call FS_IOC_FIEMAP takes and gives; see Documentation/filesystems/fiemap.rst.
type fiemap struct {
	start, length                    uint64
	flags, mapped, extents, reserved uint32
	extent                           fiemapExtent
}

type fiemapExtent struct {
	logical, physical, length uint64
	_                         [2]uint64
	flags                     uint32
	_                         [3]uint32
}

const (
	callFiemap     = 0xC020660B // _IOWR('f', 11, a struct of 32 bytes)
	fiemapSync     = 0x1        // write out what waits in memory first: before that it has no place
	fiemapNowhere  = 0x2 | 0x4  // the place is not known, or not chosen yet
	fiemapNoBlocks = 0x8 | 0x80 | 0x100 | 0x200 | 0x400
	// compressed, encrypted, not on block borders, in the inode, or together with other files' tails
)

// blockAt returns where on the disk the byte at the offset lies. It is not ok where there is a hole, where the bytes have
// no place of their own, and where the file system does not tell. Two offsets never have the same place.
func blockAt(file *os.File, offset int64) (place int64, ok bool) {
	if place, ok := fiemapAt(file, offset, 0); ok {
		return place, true
	}
	return fiemapAt(file, offset, fiemapSync) // it waits in memory
}

func fiemapAt(file *os.File, offset int64, flags uint32) (place int64, ok bool) {
	ask := fiemap{start: uint64(offset), length: 1, flags: flags, extents: 1}
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, file.Fd(), callFiemap, uintptr(unsafe.Pointer(&ask)))
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 || ask.mapped == 0 || ask.extent.flags&(fiemapNowhere|fiemapNoBlocks) != 0 {
			return 0, false
		}
		break
	}
	before := offset - int64(ask.extent.logical)
	if before < 0 || before >= int64(ask.extent.length) { // the next extent, after a hole
		return 0, false
	}
	place = int64(ask.extent.physical) + before
	return place, place != 0
}
