package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tend/process"
)

func main() {
	if status, played := play(os.Args[1:]); played {
		os.Exit(status)
	}
	p := plan{every: 4 * time.Second}
	flag.IntVar(&p.kills, "kills", 1000, "how many processes of tend to kill")
	flag.IntVar(&p.services, "services", 50, "how many services run all the time")
	flag.Uint64Var(&p.seed, "seed", uint64(time.Now().UnixNano()), "what chance begins with")
	flag.DurationVar(&p.limit, "duration", 30*time.Minute, "do not kill for longer than that")
	flag.DurationVar(&p.backIn, "back", 2*time.Second, "how long supervision may be away after a kill")
	flag.StringVar(&p.without, "without", os.Getenv("TEND_WITHOUT"), "mechanisms of the kernel to do without: a `list` like pidfd,pidfd_exit")
	flag.BoolVar(&p.verbose, "v", false, "say after each check of everything how far it is")
	program := flag.String("tend", "", "the `program` to campaign against; default: ./cmd/tend, built for the purpose")
	result := flag.String("json", "", "write the table to this `file` as well")
	keep := flag.Bool("keep", false, "keep the directory")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	report, err := campaignIn(ctx, p, *program, *keep)
	if err != nil {
		fmt.Fprintln(os.Stderr, "campaign:", err)
		os.Exit(1)
	}
	if report.Kills < p.kills {
		report.violate("cut short: %d of %d kills", report.Kills, p.kills)
	}
	report.print(os.Stdout)
	if *result != "" {
		if err := report.write(*result); err != nil {
			fmt.Fprintln(os.Stderr, "campaign:", err)
		}
	}
	if len(report.Violations) > 0 {
		os.Exit(1)
	}
}

// campaignIn runs the whole campaign in a directory of its own.
func campaignIn(ctx context.Context, p plan, program string, keep bool) (*report, error) {
	dir, err := os.MkdirTemp("", "tc")
	if err != nil {
		return nil, err
	}
	built, self := filepath.Join(dir, "tend"), filepath.Join(dir, "campaign")
	if err := provide(program, built, self); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	c, err := newCampaign(p, filepath.Join(dir, "w"), built, self)
	if err != nil {
		if c != nil {
			c.clear(false)
		}
		os.RemoveAll(dir)
		return nil, err
	}
	c.fight(ctx)
	c.tryMigrations(dir)
	c.everybodyGone()
	c.report.close(p.kills >= full)
	keep = keep || len(c.report.Violations) > 0
	c.clear(keep)
	if !keep {
		os.RemoveAll(dir)
	}
	return c.report, nil
}

// provide puts the program under test and a copy of this one where nobody else has them.
func provide(program, built, self string) error {
	if err := copyProgram("/proc/self/exe", self); err != nil {
		return err
	}
	if program != "" {
		return copyProgram(program, built)
	}
	cmd := exec.Command("go", "build", "-o", built, "tend/cmd/tend")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building tend: %w\n%s", err, out)
	}
	return nil
}

// knowsExits reports whether the kernel tells how a process ended that somebody else has reaped.
func knowsExits(without string) bool {
	return process.Probe().Has("pidfd_exit") && process.Probe().Has("pidfd") &&
		!slices.ContainsFunc(strings.Split(without, ","), func(w string) bool { return w == "pidfd" || w == "pidfd_exit" })
}
