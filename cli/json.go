package cli

import (
	"encoding/json"

	"tend"
	"tend/api"
)

// wantsJSON reports whether --json stands among the arguments; an error may come before they could be parsed.
func (a *App) wantsJSON() bool {
	for _, arg := range a.Args {
		switch arg {
		case "--":
			return false
		case "--json", "--json=true":
			return true
		}
	}
	return false
}

func (a *App) writeJSON(v any) error {
	e := json.NewEncoder(a.Stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// writeServices answers with services, in the shape of the API.
func (a *App) writeServices(statuses []tend.Status) error {
	if statuses == nil {
		statuses = []tend.Status{} // not null
	}
	return a.writeJSON(api.List{Version: api.Version, Services: statuses})
}

// writeResults answers with how a command ended for each service.
func (a *App) writeResults(results []tend.Progress) error {
	return a.writeJSON(struct {
		Version int             `json:"version"`
		Results []tend.Progress `json:"results"`
	}{api.Version, results})
}

// writeError answers with what went wrong. It comes last, and if it cannot be written there is nothing left to say.
func (a *App) writeError(err *tend.Error) {
	_ = a.writeJSON(struct {
		Version int         `json:"version"`
		Error   *tend.Error `json:"error"`
	}{api.Version, err})
}
