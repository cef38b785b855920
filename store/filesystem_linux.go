package store

import "golang.org/x/sys/unix"

// onNetwork reports whether the directory is on a file system on which a write-ahead log is not safe: one that other
// hosts may share, or whose locks and shared memory are somebody else's programming. See statfs(2).
func onNetwork(dir string) bool {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return false
	}
	switch uint32(st.Type) {
	case unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC,
		unix.AFS_FS_MAGIC, unix.AFS_SUPER_MAGIC, unix.CEPH_SUPER_MAGIC, unix.CODA_SUPER_MAGIC, unix.NCP_SUPER_MAGIC,
		unix.OCFS2_SUPER_MAGIC, unix.V9FS_MAGIC:
		return true
	case 0x0BD00BD0, // Lustre
		0x47504653, // GPFS, Spectrum Scale
		0x01161970, // GFS2
		0x19830326, // BeeGFS
		0x20030528, // OrangeFS
		0xAAD7AAEA, // PanFS
		0x786F4256: // vboxsf
		return true
	}
	return false
}
