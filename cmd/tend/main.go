// Command tend keeps programs running, as yourself, on a machine where you are not root.
package main

import (
	"os"

	"tend/cli"
)

func main() { os.Exit(cli.Main()) }
