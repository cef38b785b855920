package tend

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes that is written as 10MB, 64KiB, 512. In a definition its zero value means the default, as
// everywhere; NoSize stands for never.
type Size int64

// NoSize is a size that nothing ever reaches, written as never.
const NoSize Size = -1

// maxSize leaves room for sums and multiples.
const maxSize Size = 1e15

type sizeUnit struct {
	name  string
	bytes int64
}

// sizeUnits are powers of 1000, as on the label of a disk, and of 1024; smaller ones first.
func sizeUnits() []sizeUnit {
	return []sizeUnit{{"B", 1}, {"kB", 1e3}, {"KiB", 1 << 10}, {"MB", 1e6}, {"MiB", 1 << 20}, {"GB", 1e9}, {"GiB", 1 << 30}, {"TB", 1e12}, {"TiB", 1 << 40}}
}

// ParseSize reads a size: a number, of bytes if no unit follows, and kB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB
// (powers of 1024), in any case of letters. K, M, G and T alone are powers of 1000. 0 and never are NoSize.
func ParseSize(text string) (Size, error) {
	if text == "never" {
		return NoSize, nil
	}
	bad := fmt.Errorf("%q is not a size (for example 64KiB, 10MB, 1.5GB, a number of bytes, or never)", text)
	number := strings.TrimRight(text, "kKmMgGtTiIbB")
	unit, ok := parseUnit(text[len(number):])
	if !ok || strings.Trim(number, "0123456789.") != "" {
		return 0, bad
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, bad
	}
	switch bytes := n * float64(unit); {
	case bytes > float64(maxSize):
		return 0, fmt.Errorf("%q is too large (at most 1000TB)", text)
	case bytes == 0:
		return NoSize, nil
	default:
		return Size(max(1, math.Round(bytes))), nil // a size below 2^53 is exact in a float64
	}
}

func parseUnit(name string) (bytes int64, ok bool) {
	for _, u := range sizeUnits() {
		if strings.EqualFold(name, u.name) || strings.EqualFold(name+"B", u.name) {
			return u.bytes, true
		}
	}
	return 0, false
}

// String writes the size with the fewest digits that ParseSize reads back exactly.
func (s Size) String() string {
	if s < 0 {
		return "never"
	}
	number, unit := strconv.FormatInt(int64(s), 10), ""
	for _, u := range sizeUnits()[1:] {
		if s == 0 || int64(s)%u.bytes != 0 {
			continue
		}
		if n := strconv.FormatInt(int64(s)/u.bytes, 10); len(n) < len(number) {
			number, unit = n, u.name
		}
	}
	return number + unit
}

// MarshalText implements encoding.TextMarshaler.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Size) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSize(string(text))
	return err
}
