// Command tend keeps programs running, as yourself, on a machine where you are not root.
package main

import (
	"os"
	_ "time/tzdata" // of hosts without zone files; what a host has counts before it

	"tend/cli"
)

func main() { os.Exit(cli.Main()) }
