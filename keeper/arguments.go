package keeper

import (
	"path/filepath"

	"tend"
)

// Config is what a keeper is told, by its arguments alone.
type Config struct {
	Dir    string // runtime directory
	Inner  bool   // keeps the supervisor; otherwise keeps the inner keeper
	Leave  bool   // somebody wants everything stopped: see the package comment
	Detach bool   // starts the outer keeper and ends at once, so that the keeper is nobody's child
}

// The words of the hidden commands. Keepers are started by keepers, so that nobody ever types them.
const (
	commandKeep      = "keep"
	commandSupervise = "supervise"
	flagInner        = "--inner"
	flagLeave        = "--leave"
	flagDetach       = "--detach"
)

// ParseArgs reads what stands behind `tend keep`.
func ParseArgs(args []string) (Config, error) {
	var c Config
	for _, arg := range args {
		switch {
		case arg == flagInner:
			c.Inner = true
		case arg == flagLeave:
			c.Leave = true
		case arg == flagDetach:
			c.Detach = true
		case c.Dir == "" && filepath.IsAbs(arg):
			c.Dir = arg
		default:
			return Config{}, tend.Errorf(tend.CodeUsage, "tend keep does not understand %q", arg).
				WithHint("tend starts keepers by itself: tend start")
		}
	}
	if c.Dir == "" {
		return Config{}, tend.Errorf(tend.CodeUsage, "tend keep needs the runtime directory").
			WithHint("tend starts keepers by itself: tend start")
	}
	return c, nil
}

// SuperviseArgs reads what stands behind `tend supervise`.
func SuperviseArgs(args []string) (dir string, leave bool, err error) {
	c, err := ParseArgs(args)
	if err != nil || c.Inner || c.Detach {
		return "", false, tend.Errorf(tend.CodeUsage, "tend supervise does not understand its arguments").
			WithHint("tend starts the supervisor by itself: tend start")
	}
	return c.Dir, c.Leave, nil
}

// child returns the arguments, program name included, of what this keeper keeps.
func (c Config) child(leave bool) []string {
	args := []string{programName, commandKeep, flagInner}
	switch {
	case c.Inner:
		args = []string{programName, commandSupervise}
	case c.Detach:
		args = []string{programName, commandKeep}
	}
	if leave {
		args = append(args, flagLeave)
	}
	return append(args, c.Dir)
}

// own returns the arguments, program name included, by which this keeper is what it is.
func (c Config) own(leave bool) []string {
	args := []string{programName, commandKeep}
	if c.Inner {
		args = append(args, flagInner)
	}
	if leave {
		args = append(args, flagLeave)
	}
	return append(args, c.Dir)
}

// role names this keeper in tend.log.
func (c Config) role() string {
	if c.Inner {
		return "inner"
	}
	return "outer"
}
