//go:build !linux

package process

import "errors"

// OpenFiles is not known here.
func OpenFiles(int) (map[string]string, error) { return nil, errors.ErrUnsupported }
