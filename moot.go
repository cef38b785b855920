package tend

import "cmp"

// Moot is a setting that a definition has and that changes nothing, because of what the rest of the definition is.
type Moot struct{ Key, Why string }

// Moot returns the settings that have no effect, in the order of the manual. That is no error: a definition may be on its way
// to what is meant.
func (s Service) Moot() (moot []Moot) {
	d := s.WithDefaults()
	for i := range Options {
		if o := &Options[i]; o.Get(s) != nil {
			if why := d.moot(o.Key); why != "" {
				moot = append(moot, Moot{o.Key, why})
			}
		}
	}
	return moot
}

// moot says why the key has no effect in this definition, which has all defaults; "" if it has one.
func (s Service) moot(key string) string {
	because := func(so bool, why string) string {
		if so {
			return why
		}
		return ""
	}
	watchdog, asked := s.Health.Kind == CheckNotify, s.Ready.Probed() || s.Health.Probed()
	switch key {
	case "overlap", "missed":
		return because(!s.IsJob(), "it has no schedule")
	case "timezone":
		schedule := cmp.Or(s.Schedule, s.RestartSchedule)
		return cmp.Or(because(schedule == "", "it has no schedule"), because(clockless(schedule), "@every goes by no clock"))
	case "restart_schedule":
		return cmp.Or(because(s.IsJob(), "a job runs at the times of its schedule"), s.neverRunning())
	case "watch":
		return because(s.IsJob(), "a job runs at the times of its schedule")
	case "restart":
		return because(s.Restart == RestartAlways && s.IsJob(), "a job that has ended well waits for its next time; that is as on-failure")
	case "backoff", "healthy_after":
		return cmp.Or(because(s.Restart == RestartNo, "it is not restarted when it ends"), because(key == "healthy_after", s.neverRunning()))
	case "give_up_after":
		return because(s.Restart == RestartNo && !s.IsJob(), "it is not restarted when it ends")
	case "ready":
		return because(s.Ready.Kind == CheckExit && s.Restart == RestartAlways && !s.IsJob(), "it is begun again whenever it has ended, so it is never ready (restart)")
	case "ready_timeout":
		return because(s.Ready.Kind == CheckAlive, "it is ready when it has lived that long (ready)")
	case "health":
		return s.neverRunning()
	case "health_interval", "health_failures":
		return cmp.Or(because(s.Health.Kind == "", "it has no health check"), because(watchdog, "it has to be heard of in the time that notify says"))
	case "health_timeout":
		return because(!asked, "it has no check that takes time")
	case "memory_action":
		return because(s.MemoryMax <= 0, "it has no memory_max")
	case "stop_command_timeout":
		return because(s.StopCommand == "", "it has no stop_command")
	case "event_kinds":
		return because(len(s.OnEvent) == 0, "it has no on_event")
	}
	return ""
}

// neverRunning says why it is never in the phase running, "" if it may be.
func (s Service) neverRunning() string {
	if s.Ready.Kind == CheckExit {
		return "it is ready only when it has ended (ready exit)"
	}
	return ""
}
