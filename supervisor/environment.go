package supervisor

import (
	"strconv"

	"tend"
	"tend/environment"
)

// environment is what the definition and its files say and nothing else, plus the variables that are tend's to set.
func (s *Supervisor) environment(job spawnJob) ([]string, error) {
	vars, err := s.variables(job.def)
	if err != nil {
		return nil, err
	}
	env := make([]string, 0, len(vars)+3)
	for name, value := range vars {
		env = append(env, name+"="+value)
	}
	return append(env, "TEND_SERVICE="+job.def.Service(), "TEND_RUN="+job.run, "TEND_INSTANCE="+strconv.Itoa(job.def.Copy)), nil
}

// variables are those of the definition and of its files, which are read now and not in the loop. A definition that the
// script made says nothing; it gets what tend itself was started with.
func (s *Supervisor) variables(d tend.Service) (map[string]string, error) {
	if d.Environment == nil {
		d.Environment = s.caller.Environment()
	}
	return environment.Of(d)
}
