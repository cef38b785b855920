//go:build !linux

package listen

import "tend"

// Search finds nothing: there is no way to a descriptor of another process.
func Search(_ tend.Identity, wanted []tend.Listen) ([]*Socket, error) {
	return make([]*Socket, len(wanted)), nil
}
