package e2e

import (
	"testing"

	"tend/internal/testenv"
)

// A service of root's tend becomes another user: the reason why it is never ready is not left to be guessed, and there is another way.
func TestAServiceThatBecomesAnotherUser(t *testing.T) {
	t.Parallel()
	testenv.NeedRoot(t)
	testenv.Need(t, "setpriv", "systemd-notify")
	w := newWorld(t)
	become := []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}
	run := func(name, ready, script string) result {
		words := append([]string{"run", "--ready", ready, "--ready-timeout", "2s", "--restart", "no", name, "--"}, become...)
		return w.tend(append(words, "sh", "-c", script)...)
	}
	run("unheard", "notify", "systemd-notify --ready; exec sleep 1000").is(1).complains("was not ready within 2s: it runs as another user (65534) than tend")
	run("heard", "fd:3", "echo >&3; exec sleep 1000").ok()
	w.down("heard")
}
