package process

import (
	"os"
	"slices"
)

// keepers returns the pids of the keepers above this process, which orphans of services fall to. Who stands there by
// chance, because a keeper has died, is none.
func keepers() (pids []int) {
	dir := ""
	for pid := os.Getppid(); pid > 1 && len(pids) < 2; {
		words, _ := CommandLine(pid)
		last := len(words) - 1
		if last < 2 || words[1] != "keep" || dir != "" && words[last] != dir {
			break
		}
		pids, dir = append(pids, pid), words[last]
		stat, err := ReadStat(pid)
		if err != nil {
			break
		}
		pid = stat.PPID
	}
	return pids
}

// Strays returns the living children of the keepers, not older than since, of which nothing tells whose they are: they
// have dropped mark and environment, and what else could tell is for the caller to know. Tend's own processes, of another
// database perhaps and started from within a service, are none.
func (s Snapshot) Strays(since uint64, known func(Stat) bool) (strays []Stat) {
	keepers := keepers()
	for _, p := range s.byAge {
		if p.Start < since || !slices.Contains(keepers, p.PPID) || s.ours[p.PID] || p.Dead() || known(p.Stat) {
			continue
		}
		if p.markRead() == 0 && p.runID() == "" && Alive(p.Identity) && !isOurs(p.PID) {
			strays = append(strays, p.Stat)
		}
	}
	return strays
}

// isOurs reports whether the process is a keeper or a supervisor, to go by how it was called.
func isOurs(pid int) bool {
	words, _ := CommandLine(pid)
	return len(words) > 2 && words[0] == "tend" && (words[1] == "keep" || words[1] == "supervise")
}
