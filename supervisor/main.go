package supervisor

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"tend"
	"tend/internal/fault"
	"tend/keeper"
	"tend/probe"
	"tend/process"
	"tend/store"
)

// Main is `tend supervise`: it supervises the services of the database until there is nothing to supervise, and
// returns the exit status that its keeper acts on; see package keeper for what it owes. With leave, everything is
// stopped first, and what is wanted stays so. Clients come in by the door.
func Main(database string, leave bool, door NewDoor) int {
	go process.MakeRoom(descriptors)
	keeper.NameProcess()
	syscall.Umask(0o077)
	debug.SetGCPercent(400) // until saveMemory: whoever was supervised is waiting
	s := &Supervisor{
		ctx: context.Background(), database: database, self: os.Getpid(), log: os.Stderr, leaving: leave,
		services: map[string]*service{}, mains: map[tend.Identity]*service{}, members: map[tend.Identity]*service{},
		strays:     map[tend.Identity]bool{},
		operations: map[*operation]bool{}, rolls: map[string][]*roll{},
		logTurns: newTurns(), pending: newPending(), calls: newMailbox[func()](), spawns: newMailbox[spawnJob](), spawned: newMailbox[spawnResult](),
		scans: make(chan scanned, 1), signals: make(chan os.Signal, 8),
		caller: tend.Caller{Directory: "/", Environ: os.Environ(), Umask: tend.DefaultUmask},
	}
	s.near = s.newNeighbours()
	os.Unsetenv("TZ") // Local is the zone of the host here, whoever has started us; the caller above still knows theirs
	// The last is caught so that a file that may not grow is an error like any other: see setrlimit(2).
	signal.Notify(s.signals, syscall.SIGTERM, syscall.SIGUSR1, parentDied, syscall.SIGINT, syscall.SIGHUP, syscall.SIGXFSZ)
	s.shelf, _ = keeper.OpenShelf() // first, since it is to be handed on even if the keepers die before we have begun
	s.newDoor = door
	s.awaited = keeper.ReadyAwaited()
	status, err := s.main()
	if err != nil {
		s.logf("%v", err)
		if s.awaited {
			keeper.ReportReady(err)
			return leftOnPurpose // whoever launched us has been told, and decides
		}
	}
	return status
}

// descriptors is how many are made room for: each service takes one.
const descriptors = 4096

func (s *Supervisor) main() (int, error) {
	const failed = 1
	err := s.prepare()
	switch {
	case errors.Is(err, errOrphaned):
		return keeper.ExitReplace, nil
	case errors.Is(err, errServed):
		s.logf("%v: there is nothing left to do here", err)
		keeper.ReportReady(nil)
		return leftOnPurpose, nil
	case err != nil && !s.replaced && !errors.Is(err, errLeaves):
		return failed, err
	}
	status := leftOnPurpose
	if err == nil {
		status, err = s.supervise()
		// Nobody may be let in, and no run begun, by the time that the next supervisor has the lock.
		s.spawner.Close()
		s.prober.Close()
		s.tasks.Close() // before the hooks, whose commands would have a moment to end otherwise
		s.hooks.Close()
		s.filesWatched.Close()
		s.starting.Stop()
		if s.minder != nil {
			s.minder.stop()
		}
		s.alarm.Close()
		s.logTurns.end()
		s.pipes.pump.Close()
		s.channels.server.Close()
		s.forwards.Halt()
		if s.door != nil {
			s.door.HandOver()
		}
		s.bidFarewell(status)
		s.notices.Stop()
		if s.launches() {
			s.offerShelf()
		}
		s.locks.release()
	}
	switch {
	case s.replaced:
		if s.launches() {
			fault.At(fault.SupervisorOrphaned)
			s.launch()
		}
		return keeper.ExitReplace, nil
	case errors.Is(err, errLeaves):
		return leftOnPurpose, nil
	}
	return status, err
}

// launches reports whether it is for us to see to it that there is another supervisor.
func (s *Supervisor) launches() bool {
	if _, alive := keeper.Parent(); !alive { // it died after it had asked us to make room
		s.orphan = true
	}
	return s.replaced && s.orphan && !s.leaving && !keeper.ReadyAwaited() // who launched us sees to it as well
}

func (s *Supervisor) supervise() (status int, err error) {
	const failed = 1
	var e estate
	err = s.persist(func() (err error) {
		e, err = s.open()
		return err
	})
	if s.store != nil {
		defer s.store.Close()
	}
	if _, alive := keeper.Parent(); !alive { // it died while we waited
		s.orphaned()
	}
	if err != nil || s.replaced {
		return failed, err
	}
	s.now, s.clock = time.Now(), readClock()
	s.began = s.now
	s.settledBy = s.now.Add(settleTime)
	if err := s.resume(e); err != nil {
		return failed, err
	}
	s.resumed = true
	if s.leaving {
		s.stopAll()
	}
	fault.At(fault.SupervisorResumed)
	s.flush()
	s.door = s.newDoor(keeper.Socket(s.dir), s)
	err = s.openDoor()
	fault.At(fault.SupervisorListening)
	s.leaveAfter = time.Now().Add(firstLinger)
	keeper.ReportReady(err)
	keeper.WithdrawOffers(s.dir)
	time.AfterFunc(busyBegin, saveMemory)
	s.announce(s.pending)
	s.forward()
	s.watchFiles()
	s.hookAll()
	s.sweepCursors()
	s.searchPipes()
	s.startMinding()
	for _, sv := range s.services {
		s.weigh(sv, sv.state)
	}
	s.probeAll()
	s.cgroups.Sweep(s.lives())
	status = s.loop()
	if status == leftOnPurpose {
		s.cgroups.Close()
	}
	return status, nil
}

// busyBegin is the time after which the first rush is over.
const busyBegin = time.Second

// saveMemory gives back what the start took. From then on memory is dearer than the little garbage that is made.
func saveMemory() {
	debug.SetGCPercent(50)
	debug.FreeOSMemory()
}

// open opens the database and reads what the last supervisor left in it.
func (s *Supervisor) open() (e estate, err error) {
	db, err := store.Open(s.ctx, s.database, store.Existing)
	if err != nil {
		return e, err
	}
	s.store = db
	if err = db.SetPatience(s.ctx, retryBusy); err == nil {
		e, err = s.readEstate()
	}
	if err != nil {
		db.Close()
		s.store = nil
	}
	return e, err
}

// prepare gets all that a supervisor needs besides its database. The keeper is watched first, so that its death is
// noticed whenever it comes. The lock makes this the only supervisor; a predecessor that has not quite gone is waited
// for.
func (s *Supervisor) prepare() (err error) {
	if s.watcher, err = process.NewWatcher(); err != nil {
		return err
	}
	if err := s.watchKeeper(); err != nil {
		return err
	}
	err = s.persist(func() (err error) {
		if s.dir, err = keeper.Directory(s.database); err != nil {
			return err
		}
		s.locks, err = s.takeLocks()
		return err
	})
	if err != nil {
		return err
	}
	fault.At(fault.SupervisorLocked)
	if s.place, err = process.Here(); err != nil {
		return err
	}
	if s.spawner, err = process.NewSpawner("/proc/self/exe", "exec"); err != nil {
		return err
	}
	s.alarm = process.NewAlarm()
	s.cgroups = process.NewCgroups(filepath.Base(s.dir))
	s.scales = newScales(s.cgroups, func(run string, bytes int64) { s.calls.put(func() { s.tooHeavy(run, bytes) }) })
	s.pipes = s.newPipes()
	s.sockets = newSockets(s)
	s.channels = s.newChannels()
	s.stored = s.newStored()
	s.openShelf()
	s.forwards = s.newForwards()
	s.tasks = s.newTasks()
	s.prober, s.checker = probe.New(process.Descriptors()/8), probe.NewChecker()
	s.starting = s.newRotator()
	ready := make(chan prepared, ahead())
	go s.prepareRuns(ready)
	go s.makeProcesses(ready)
	s.told = newTold(s.dir)
	s.journal = &journal{path: keeper.JournalFile(s.dir)}
	if s.notices, err = keeper.Watch(s.dir); err != nil {
		s.logf("%v", err)
	}
	s.filesWatched = s.newWatches()
	s.hooks = s.newHooks()
	return nil
}

// watchKeeper finds the process that keeps us and waits for its death.
func (s *Supervisor) watchKeeper() error {
	pid, alive := keeper.Parent()
	if !alive {
		return errOrphaned
	}
	stat, err := process.ReadStat(pid)
	if err != nil {
		return errOrphaned
	}
	s.parent = stat.Identity
	if above, err := process.ReadStat(stat.PPID); err == nil && above.PID > 1 {
		s.above = above.Identity
	}
	err = s.watcher.Add(s.parent, -1)
	if errors.Is(err, process.ErrUnwatchable) {
		process.SignalOnParentsDeath(parentDied)
		err = nil
	}
	if err != nil || os.Getppid() != pid {
		return errOrphaned
	}
	return nil
}

// parentDied is the signal that tells of the keeper's death where no pidfd does.
const parentDied = syscall.SIGUSR2

// errOrphaned: the keeper died before we had begun. Whoever keeps us now has started, or will start, another supervisor.
var errOrphaned = errors.New("the keeper that started this supervisor is gone")

// orphaned takes in the death of our keeper. The outer keeper starts another inner one, with a supervisor of its own;
// we make room for it.
func (s *Supervisor) orphaned() {
	if !s.orphan {
		s.logf("the keeper, process %d, is gone: making room for another supervisor", s.parent.PID)
	}
	s.orphan = true
	s.makeRoom(tend.AwayOrphaned)
}

// signalled takes in a signal. SIGTERM means to be replaced; what runs is not touched. SIGUSR1 is how the keepers say
// that everything is to be stopped and left.
func (s *Supervisor) signalled(sig os.Signal) {
	switch sig {
	case syscall.SIGTERM:
		s.logf("SIGTERM: making room for another supervisor")
		s.makeRoom(tend.AwayReplaced)
	case parentDied:
		if os.Getppid() != s.parent.PID {
			s.orphaned()
		}
	case syscall.SIGUSR1:
		if !s.leaving { // or what has survived its stop would be stopped anew with each reminder
			s.leaving = true
			s.stopAll()
		}
	}
}

func (s *Supervisor) stopAll() {
	for _, sv := range s.inOrder(sorted(s.services), true) {
		if s.local(sv) {
			s.apply(sv, tend.StopRequested{KeepWanted: true, Hold: s.heldBy(sv)})
		}
	}
}
