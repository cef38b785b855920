package cli

import (
	"errors"
	"strings"

	"tend"
	"tend/process"
)

// checkLimits refuses what the kernel would refuse to a process that is started here. A tend that was started elsewhere, by
// root say, might be allowed more; but it is this user's from now on.
func checkLimits(s tend.Service) error {
	if s.MemoryMax > 0 && !process.Weighs {
		return tend.Errorf(tend.CodeUsage, "--memory-max: only on Linux can it be seen how much memory a service has")
	}
	err := process.LimitsOf(s).Check()
	if err == nil {
		return nil
	}
	var failed *process.StartError
	if errors.As(err, &failed) {
		flag, value, _ := strings.Cut(failed.Path, " ")
		return tend.Errorf(tend.CodeUsage, "--%s %s: %w", strings.ReplaceAll(flag, "_", "-"), value, failed.Err).
			WithHint("ask for what is allowed here, or have whoever administers this machine allow more")
	}
	return tend.Errorf(tend.CodeUsage, "%w", err)
}
