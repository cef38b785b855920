package tend

// OptionArea is what some of the options are about: the help and the manual have them together.
type OptionArea struct {
	Title string
	Keys  []string
}

// OptionAreas are all of them, in the order of the manual. Each option is in one.
func OptionAreas() []OptionArea {
	return []OptionArea{
		{"What it runs", []string{"working_directory", "shell", "environment", "environment_file", "umask", "stdin"}},
		{"What it writes", []string{"stdout", "stderr", "log_max", "log_keep", "log_age", "log_format", "log_to"}},
		{"Restarts", []string{"restart", "success_codes", "backoff", "healthy_after", "give_up_after", "restart_schedule", "watch"}},
		{"Ready and healthy", []string{"ready", "ready_timeout", "health", "health_interval", "health_timeout", "health_failures"}},
		{"Others that it needs", []string{"requires", "wants", "after"}},
		{"Its end", []string{"stop", "stop_command", "stop_command_timeout", "reload", "expires"}},
		{"Jobs", []string{"schedule", "timezone", "overlap", "missed"}},
		{"Copies and sockets", []string{"instances", "listen", "fd_store"}},
		{"Limits", []string{"limits", "memory_max", "memory_action", "nice", "ionice", "cpus", "oom_score_adj"}},
		{"People and other programs", []string{"tags", "description", "on_event", "event_kinds"}},
	}
}
