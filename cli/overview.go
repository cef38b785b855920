package cli

import (
	"fmt"
	"strings"
)

// firstStep is for whoever has no service yet.
const firstStep = "tend run NAME -- COMMAND"

// writeOverview is the answer to `tend` alone: what it is, and the first six commands.
func (a *App) writeOverview(table []command) {
	w := a.page()
	w.line("%s keeps your programs running, as yourself, without root.", w.p.bold("tend"))
	w.heading("Begin with")
	w.table([][2]string{
		{"tend run web -- python3 -m http.server", "start a service, and keep it running"},
		{"tend list", "what there is, and how it is"},
		{"tend status web", "everything about one"},
		{"tend logs -f web", "what it writes"},
		{"tend stop web", "stop it"},
		{"tend start web", "start it again"},
	}, 40)
	var names []string
	for _, c := range visible(table) {
		names = append(names, c.name)
	}
	w.heading("All commands")
	for _, line := range wrap(strings.Join(names, ", "), w.width-2) {
		w.line("  %s", line)
	}
	w.paragraph("tend help explains them. Any unambiguous beginning of a command works: tend rest web.")
}

// writeCommands is the answer to `tend help`.
func (a *App) writeCommands() {
	w := a.page()
	w.line("%s keeps your programs running, as yourself, without root.", w.p.bold("tend"))
	w.line("\nusage: tend COMMAND [options] [NAME…]")
	w.heading("Commands")
	for _, g := range commandGroups() {
		var pairs [][2]string
		for _, c := range visible(g.commands) {
			name := c.name
			if len(c.aliases) > 0 {
				name += " (" + strings.Join(c.aliases, ", ") + ")"
			}
			pairs = append(pairs, [2]string{fmt.Sprintf("%-10s", name), c.short})
		}
		w.line("\n %s", w.p.faint(g.title))
		w.table(pairs, 40)
	}
	w.paragraph("tend help COMMAND explains one. Any unambiguous beginning of a command works: tend rest web.")
	w.heading("Exit status")
	w.table(exitStatuses(), 10)
	w.heading("Environment")
	w.table([][2]string{
		{"SERVER_FILE", "the database, default ~/server.sqlite"},
		{"TEND_RUNTIME", "the directory for sockets and locks, on a local file system; default /tmp/tend-UID"},
		{"NO_COLOR", "if set, no colours"},
	}, 20)
}

// exitStatuses is the contract with scripts, in words.
func exitStatuses() [][2]string {
	return [][2]string{
		{"0", "done"},
		{"1", "it did not work: a service failed to start, could not be stopped, …"},
		{"2", "wrong usage, or a bad definition"},
		{"3", "status: one of the services does not run"},
		{"4", "no such service"},
		{"5", "in conflict with what exists or runs"},
		{"75", "somebody else holds it just now, try again"},
		{"130", "interrupted by Ctrl-C; what was asked for goes on"},
	}
}
