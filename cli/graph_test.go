package cli

import (
	"os/exec"
	"strings"
	"testing"

	"tend"
	"tend/internal/testenv"
)

// shop is a graph with all that there may be in one.
func shop() *graphView {
	define := func(name string, change func(*tend.Settings)) tend.Service {
		s := tend.Service{Name: name}
		change(&s.Settings)
		return s
	}
	none := func(*tend.Settings) {}
	definitions := []tend.Service{
		define("web", func(s *tend.Settings) {
			s.Requires, s.Wants, s.After = []string{"api", "auth"}, []string{"cache"}, []string{"metrics"}
		}),
		define("api", func(s *tend.Settings) { s.Requires = []string{"数据库", "gone"} }),
		define("auth", func(s *tend.Settings) { s.Requires = []string{"数据库"} }),
		define("数据库", func(s *tend.Settings) { s.Requires = []string{"disk"} }),
		define("worker", func(s *tend.Settings) { s.Requires, s.Instances = []string{"api"}, 3 }),
		define("disk", func(s *tend.Settings) { s.After = []string{"web"} }),
		define("cache", none), define("metrics", none), define(`odd "\n" e`+"\x1b[31m", none),
	}
	status := func(name string, phase tend.Phase) tend.Status { return tend.Status{Name: name, State: phase} }
	waiting := status("auth", tend.PhaseWaiting)
	waiting.WaitsFor = []tend.Obstacle{{Copy: "数据库", How: "is starting (pid 5)"}}
	lacking := status("api", tend.PhaseFailed)
	lacking.Lacks = "gone"
	statuses := []tend.Status{
		status("web", tend.PhaseWaiting), lacking, waiting, status("数据库", tend.PhaseStarting), status("cache", tend.PhaseFailed),
		status("worker@0", tend.PhaseRunning), status("worker@1", tend.PhaseRunning), status("worker@2", tend.PhaseBackoff),
		status("disk", tend.PhaseExited), status("metrics", tend.PhaseRunning),
	}
	var names []string
	for _, d := range definitions {
		names = append(names, d.Name)
	}
	return newGraphView(tend.NewOrder(definitions), names, statuses, noon)
}

func TestGraph(t *testing.T) {
	g := shop()
	look(t, "graph.txt", g.draw(terminal{}))
	look(t, "graph-40.txt", g.draw(terminal{width: 40}))
	coloured := g.draw(terminal{width: 80, colour: true})
	if !strings.Contains(coloured, "\x1b[3") || strings.Contains(g.draw(terminal{width: 80}), "\x1b") {
		t.Error("it is to be coloured at a terminal, and only there")
	}
	for line := range strings.Lines(g.draw(terminal{width: 40})) {
		if width(strings.TrimSuffix(line, "\n")) > 40 {
			t.Errorf("too wide: %s", line)
		}
	}
}

// Graphviz reads what is made for it, whatever the names are.
func TestGraphForDot(t *testing.T) {
	testenv.Need(t, "dot")
	cmd := exec.Command("dot", "-Tplain")
	cmd.Stdin = strings.NewReader(shop().dot())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, shop().dot())
	}
	for _, words := range []string{"node 数据库 ", "edge web api ", "edge web cache ", "edge disk web ", "node gone "} {
		if !strings.Contains(string(out), words) {
			t.Errorf("no %q in\n%s", words, out)
		}
	}
	if n := strings.Count(string(out), "\nnode "); n != 10 {
		t.Errorf("%d nodes:\n%s", n, out)
	}
}

// Thirty services in three layers take thirty lines and as many as there are arrows into what was drawn.
func TestGraphOfMany(t *testing.T) {
	var definitions []tend.Service
	var names []string
	for i := range 30 {
		s := tend.Service{Name: string(rune('a'+i/10)) + string(rune('0'+i%10))}
		if i >= 10 {
			s.Requires = []string{names[i-10], names[(i-9)%10+i/10*10-10]}
		}
		definitions, names = append(definitions, s), append(names, s.Name)
	}
	drawn := newGraphView(tend.NewOrder(definitions), names, nil, noon).draw(terminal{width: 80})
	if n := strings.Count(drawn, "\n"); n != 10+40 {
		t.Errorf("%d lines:\n%s", n, drawn)
	}
}
