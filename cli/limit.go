package cli

import (
	"errors"
	"strings"

	"tend"
	"tend/process"
)

// checkLimits refuses what the kernel would refuse to a process that is started here. A tend that was started elsewhere, by
// root say, might be allowed more; but it is this user's from now on.
func checkLimits(s tend.Service) (key string, err *tend.Error) {
	if s.MemoryMax > 0 && !process.Weighs {
		return "memory_max", tend.Errorf(tend.CodeUsage, "only on Linux can it be seen how much memory a service has")
	}
	refused := process.LimitsOf(s).Check()
	if refused == nil {
		return "", nil
	}
	var failed *process.StartError
	if !errors.As(refused, &failed) {
		return "limits", tend.Errorf(tend.CodeUsage, "%w", refused)
	}
	key, value, _ := strings.Cut(failed.Path, " ")
	if key == "limit" {
		key = "limits"
	}
	return key, tend.Errorf(tend.CodeUsage, "%s: %w", value, failed.Err).WithHint("ask for what is allowed here, or have whoever administers this machine allow more")
}
