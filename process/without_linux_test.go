package process

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestWithout runs all other tests again without each of the newer mechanisms, and without all.
func TestWithout(t *testing.T) {
	if os.Getenv("TEND_WITHOUT") != "" {
		t.Skip("this is such a run")
	}
	var names []string
	for _, c := range Probe() {
		if !c.Have {
			t.Logf("%s is not there anyway", c.Name)
		}
		names = append(names, c.Name)
	}
	for _, without := range append(names, strings.Join(names, ",")) {
		t.Run(without, func(t *testing.T) {
			cmd := exec.Command("/proc/self/exe", "-test.run=^Test", "-test.count=1")
			cmd.Env = append(os.Environ(), "TEND_WITHOUT="+without)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestProbe(t *testing.T) {
	off := os.Getenv("TEND_WITHOUT")
	for _, c := range Probe() {
		if c.Name == "" || c.Since == "" || c.Without == "" {
			t.Errorf("%+v says too little", c)
		}
		if strings.Contains(","+off+",", ","+c.Name+",") && Probe().Has(c.Name) {
			t.Errorf("%s is switched off and there", c.Name)
		}
	}
	if Probe().Has("nonsense") {
		t.Error("nonsense is there")
	}
}
