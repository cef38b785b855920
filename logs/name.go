package logs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	suffix      = ".log"
	longestName = 200 // bytes of an escaped name; NAME_MAX is 255, and archives want to add to it
	longestHead = 120 // bytes that are kept of a longer one, for the eye
)

// Directory returns where the logs of a database's services are kept: beside it.
func Directory(database string) string { return database + "-logs" }

// Path returns the file that holds the output of the named service. No two names share one, whatever bytes they are
// made of. (Where the file system itself takes two spellings for one, as macOS does with upper and lower case, so do we.)
func Path(database, name string) string {
	return filepath.Join(Directory(database), escape(name)+suffix)
}

// escape makes a file name of a service's name. Letters, digits and what is harmless in a shell stay; any other byte
// becomes %XX. A % that is not followed by two hexadecimal digits therefore never comes of a byte and marks the two
// special forms: "%" is the empty name, and "%~" stands before the hash of a name that is too long.
func escape(name string) string {
	if name == "" {
		return "%"
	}
	var out strings.Builder
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRuneInString(name[i:])
		if stays(r, size, i == 0) {
			out.WriteString(name[i : i+size])
		} else {
			for _, b := range []byte(name[i : i+size]) {
				fmt.Fprintf(&out, "%%%02X", b)
			}
		}
		i += size
	}
	if out.Len() <= longestName {
		return out.String()
	}
	hash := sha256.Sum256([]byte(name))
	return strings.ToValidUTF8(out.String()[:longestHead], "") + "%~" + hex.EncodeToString(hash[:])
}

// stays reports whether the character may stand in a file name as it is. Neither a hidden file nor something that
// looks like an option may come of it, so a dot and a hyphen do not stay at the beginning.
func stays(r rune, size int, first bool) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return true
	case r == '_', r == '@', r == '+':
		return true
	case r == '.', r == '-':
		return !first
	case r < utf8.RuneSelf:
		return false
	}
	invalid := r == utf8.RuneError && size == 1
	return !invalid && unicode.IsPrint(r)
}
