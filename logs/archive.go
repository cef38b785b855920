package logs

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// archive is a file beside the log that holds a part of its stream. Its name says which, so that the directory is the
// only list of archives there is, and none can be wrong.
type archive struct {
	path       string
	start, end int64 // in the stream
	packed     bool  // compressed
}

const packedSuffix = ".gz"

// archivePath names an archive, as long as it is not compressed.
func archivePath(path string, start, end int64) string {
	return fmt.Sprintf("%s.%d-%d", path, start, end)
}

// partPath names an archive that is being made. After a crash it is made from its beginning again.
func partPath(path string) string { return path + ".part" }

// parseArchive reads the name of a file beside the log.
func parseArchive(path, name string) (archive, bool) {
	a := archive{path: filepath.Join(filepath.Dir(path), name)}
	span, ok := strings.CutPrefix(name, filepath.Base(path)+".")
	if !ok {
		return archive{}, false
	}
	span, a.packed = strings.CutSuffix(span, packedSuffix)
	from, to, ok := strings.Cut(span, "-")
	if !ok {
		return archive{}, false
	}
	var err, other error
	a.start, err = strconv.ParseInt(from, 10, 64)
	a.end, other = strconv.ParseInt(to, 10, 64)
	if err != nil || other != nil || a.start < 0 || a.end <= a.start || fmt.Sprintf("%d-%d", a.start, a.end) != span {
		return archive{}, false
	}
	return a, true
}

// listArchives returns the archives of the log, the oldest first. Of one that is there compressed and not, only the latter
// counts: the other may not be whole. One that was dropped meanwhile may be among them.
//
// Listing a directory is not one step: an archive whose compressed form takes its place meanwhile may be missed in both forms,
// but not twice.
func listArchives(path string) ([]archive, error) {
	var found []archive
	for range 2 {
		names, err := listDirectory(filepath.Dir(path))
		if err != nil {
			return nil, fmt.Errorf("listing the archives of %q: %w", path, err)
		}
		for _, name := range names {
			if a, ok := parseArchive(path, name); ok {
				found = append(found, a)
			}
		}
	}
	slices.SortFunc(found, func(a, b archive) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end), strings.Compare(a.path, b.path))
	})
	return slices.CompactFunc(found, func(a, b archive) bool { return a.start == b.start && a.end == b.end }), nil
}

// listDirectory returns what names are in a directory: none if there is no such directory.
func listDirectory(path string) ([]string, error) {
	directory, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer directory.Close()
	return directory.Readdirnames(-1)
}
