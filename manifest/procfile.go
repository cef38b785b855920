package manifest

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"tend"
)

// The ports that foreman gives: to the first process type the base, to each further one so much more.
const (
	basePort = 5000
	portStep = 100
)

// ReadProcfile reads a Procfile, by foreman's rules: a line is NAME: COMMAND, the command is for /bin/sh, # begins a comment,
// and each gets a PORT of its own. A service that ends is not restarted. dir is where they run, an absolute path. An error
// says everything that is wrong, with its line.
func ReadProcfile(r io.Reader, dir string) ([]tend.Service, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading the Procfile: %w", err)
	}
	text = withoutMark(text)
	s := &source{file: filepath.Join(dir, "Procfile"), text: text}
	if named, ok := r.(interface{ Name() string }); ok {
		s.file = named.Name()
	}
	var services []tend.Service
	lines := map[string]int{}
	offset := 0
	for line := range strings.Lines(string(text)) {
		begin := offset
		offset += len(line)
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		name, command, found := strings.Cut(line, ":")
		name, command = strings.TrimSpace(name), strings.TrimSpace(command)
		switch err := tend.CheckName(name); {
		case !found:
			s.refuse(begin, "", "%q is not NAME: COMMAND", line)
		case err != nil:
			s.refuse(begin, "", "%s", err)
		case lines[name] > 0:
			s.refuse(begin, name, "it is there already, in line %d", lines[name])
		case wrongCommand(command, true) != "":
			s.refuse(begin, name, "%s", wrongCommand(command, true))
		}
		lines[name] = s.line(begin)
		services = append(services, tend.Service{
			Name: name, CommandLine: command, WorkingDirectory: dir,
			Settings: tend.Settings{Shell: true, Restart: tend.RestartNo,
				Environment: map[string]string{"PORT": strconv.Itoa(basePort + portStep*len(services))}},
		})
	}
	if err := s.err(); err != nil {
		return nil, err
	}
	return services, nil
}
