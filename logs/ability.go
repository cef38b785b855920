package logs

// An ability is what can be done with the files of a directory, found out by trying it on a file there.
type ability struct {
	unit   int64 // a collapse works on multiples of it; 0: there is no collapse, or none that a crash could be told of
	punch  bool
	leases bool // the kernel can tell who has a file open for writing
}

// Mechanisms of rotation, as TEND_WITHOUT has them.
const (
	Collapse = "collapse"
	Punch    = "punch"
	Lease    = "lease"
)

// Method is the word for what rotation in such a directory is done by.
func (a ability) method() string {
	switch {
	case a.unit > 0:
		return Collapse
	case a.punch:
		return Punch
	}
	return "restart"
}

// units are what a collapse may want its range to be a multiple of: pages, 64 KiB clusters of ext4 (which tells of neither
// in st_blksize), and anything unusual up to 1 MiB.
var units = [...]int64{4 << 10, 64 << 10, 1 << 20}
