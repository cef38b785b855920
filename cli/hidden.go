package cli

import (
	"context"
	"os"

	"tend/api"
	"tend/keeper"
	"tend/process"
	"tend/supervisor"
)

// hidden runs the commands by which tend starts its own processes. They come before everything else, because a keeper
// has to stay small.
func hidden(args []string) (status int, ok bool) {
	if len(args) == 0 {
		return 0, false
	}
	switch args[0] {
	case "keep":
		config, err := keeper.ParseArgs(args[1:])
		if err != nil {
			return NewApp().fail(err), true
		}
		return keeper.Keep(context.Background(), config), true
	case "supervise":
		_, leave, err := keeper.SuperviseArgs(args[1:])
		if err != nil {
			return NewApp().fail(err), true
		}
		return supervisor.Main(os.Getenv("SERVER_FILE"), leave, door), true
	case "exec":
		return process.ExecStage(args[1:]), true
	}
	return 0, false
}

func door(socket string, s *supervisor.Supervisor) supervisor.Door { return api.NewServer(socket, s) }
