package supervisor

import (
	"os"

	"tend/process"
)

// equip gives the process of a run what it needs besides its command, its files and its environment. Files that it opens
// for that are added to those that are closed once the process has them. It works outside the loop.
func (s *Supervisor) equip(job spawnJob, spec *process.Spec, files *[]*os.File) error {
	spec.Limits = process.LimitsOf(job.def)
	all, err := s.openSockets(job)
	if err != nil {
		return err
	}
	kept, err := s.stored.files(job.def.Name, job.def.FDStore)
	hand(spec, files, append(all, kept...))
	if err != nil {
		return err
	}
	return s.equipChannels(job, spec, files)
}
