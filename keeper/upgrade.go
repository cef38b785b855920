package keeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"tend"
	"tend/internal/fault"
	"tend/process"
)

// upgradeFile names the program that everybody who serves the directory is to run.
func upgradeFile(dir string) string { return filepath.Join(dir, "upgrade") }

// upgradeLook is how long Upgrade waits before it looks again: nothing tells of an execve. upgradeAsk is how long before
// it asks again, for whoever was asked may have been killed.
const (
	upgradeLook = 5 * time.Millisecond
	upgradeAsk  = 300 * time.Millisecond
)

// Upgrade has everybody who serves the directory run the program, which should be the one of this process, and returns
// when they do, or nobody serves it any more. As long as ctx is not done, whoever is killed meanwhile is waited for. taken
// is called for each that has come to run it. Those that still run another are returned with the error.
func Upgrade(ctx context.Context, dir string, p Program, taken func(Serving)) (old []Serving, err error) {
	if err := p.announce(dir); err != nil {
		return nil, tend.Errorf(tend.CodeFailed, "telling the keepers of the new program: %w", err)
	}
	told := map[tend.Identity]bool{}
	var asked time.Time
	for {
		all, err := Find(dir)
		if err != nil {
			return old, tend.Errorf(tend.CodeFailed, "looking for the keepers: %w", err)
		}
		roles := map[string]bool{}
		old = nil
		for _, s := range all {
			roles[s.Role] = true
			if !p.RunsAs(s.PID) {
				old = append(old, s)
			} else if !told[s.Identity] {
				told[s.Identity] = true
				taken(s)
			}
		}
		if len(all) == 0 || len(old) == 0 && (len(roles) == allRoles || nobodyStarts(dir)) {
			return nil, nil
		}
		if len(old) > 0 && time.Since(asked) > upgradeAsk {
			asked = time.Now()
			ask(all)
		}
		select {
		case <-ctx.Done():
			return old, tend.Errorf(tend.CodeFailed, "not all of tend's processes run the new program: %w", ctx.Err()).
				WithHint("look into %s", TendLog(dir))
		case <-time.After(upgradeLook):
		}
	}
}

// nobodyStarts reports whether there is no chain that could start anything: whoever serves the directory only lingers.
func nobodyStarts(dir string) bool {
	l, err := findLock(keepersLock(dir))
	if err != nil {
		return false
	}
	defer l.Close()
	free, _ := l.try()
	return free
}

// ask asks the outer keepers, who ask those below them.
func ask(all []Serving) {
	for _, s := range all {
		if s.Stopped {
			_ = process.Signal(s.Identity, "CONT")
		}
		if s.Role == outerRole {
			_ = process.Signal(s.Identity, "USR2") // or it is gone, and another comes
		}
	}
}

// announce writes down which program it is.
func (p Program) announce(dir string) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	fresh := upgradeFile(dir) + ".new" // read within moments, and never after a crash of the machine: not flushed
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, upgradeFile(dir))
}

// announced reads it. Where there is another file now, it is refused: nobody has tried that.
func announced(dir string) (Program, error) {
	var p Program
	text, err := os.ReadFile(upgradeFile(dir))
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return p, fmt.Errorf("reading which program to run: %w", err)
	}
	if at, err := programAt(p.Path); err != nil || !at.same(p) {
		return p, fmt.Errorf("there is another file at %s now, or none", p.Path)
	}
	return p, nil
}

// upgrade has this keeper run the program that is announced, and then those below it. If it cannot, nothing changes.
func (k *keep) upgrade() {
	p, err := announced(k.config.Dir)
	if err == nil {
		if own, err := programOf(os.Getpid()); err == nil && own.same(p) {
			k.upgradeChild()
			return
		}
		k.faultAt(fault.OuterUpgrading, fault.InnerUpgrading)
		err = k.become(p.Path, true)
	}
	k.say("goes on with the program that it has: %v", err)
}

// upgradeChild asks the child to run this keeper's program, if it does not. A supervisor gives way to another.
func (k *keep) upgradeChild() {
	k.faultAt(fault.OuterUpgraded, fault.InnerUpgraded)
	own, err := programOf(os.Getpid())
	if k.child == 0 || err != nil || own.RunsAs(k.child) {
		return
	}
	if k.supervises {
		k.giveWay()
	} else if err := syscall.Kill(k.child, syscall.SIGUSR2); err != nil && !errors.Is(err, syscall.ESRCH) {
		k.say("cannot pass on that there is a new program: %v", err)
	}
}
