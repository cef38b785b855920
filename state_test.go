package tend_test

import (
	"testing"

	"tend"
)

func TestNeedsSupervisor(t *testing.T) {
	const always, wanted, reboot, never = "always", "if wanted", "if wanted, after a reboot", "never"
	for phase, when := range map[tend.Phase]string{
		"":                 wanted,
		tend.PhaseStopped:  wanted,
		tend.PhaseStarting: always,
		tend.PhaseRunning:  always,
		tend.PhaseStopping: always,
		tend.PhaseBackoff:  always,
		tend.PhaseExited:   reboot,
		tend.PhaseFailed:   reboot,
		"absurd":           never,
	} {
		for _, isWanted := range []bool{false, true} {
			for _, rebooted := range []bool{false, true} {
				want := when == always || when == wanted && isWanted || when == reboot && isWanted && rebooted
				if got := (tend.State{Phase: phase, Wanted: isWanted}).NeedsSupervisor(rebooted); got != want {
					t.Errorf("phase %q, wanted %v, rebooted %v: %v", phase, isWanted, rebooted, got)
				}
			}
		}
	}
}

// TestNeedsSupervisorForResumed: what a new supervisor would start at once is what one is needed for.
func TestNeedsSupervisorForResumed(t *testing.T) {
	for _, phase := range []tend.Phase{"", tend.PhaseStopped, tend.PhaseExited, tend.PhaseFailed} {
		for _, wanted := range []bool{false, true} {
			for _, rebooted := range []bool{false, true} {
				st := tend.State{Phase: phase, Wanted: wanted}
				after, _ := tend.Decide(tend.Service{}, st, tend.Resumed{Rebooted: rebooted}, epoch)
				if after.Phase.Live() != st.NeedsSupervisor(rebooted) {
					t.Errorf("phase %q, wanted %v, rebooted %v: then %s", phase, wanted, rebooted, after.Phase)
				}
			}
		}
	}
}
