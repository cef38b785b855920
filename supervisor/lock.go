package supervisor

import (
	"fmt"
	"os"
	"syscall"

	"tend"
	"tend/keeper"
	"tend/logs"
)

// lock makes us the only supervisor of the database. A predecessor in the same runtime directory is on its way out,
// or its keeper is not; it is waited for. A second lock, on the directory of the logs beside the database, finds the
// supervisors that have another runtime directory: another TEND_RUNTIME, or a container that shares the file. Network
// file systems may refuse it; there, hosts are told apart by the states (see elsewhere).
//
// Both are flocks on close-on-exec descriptors: they end with us, however we end, and are never on the database file,
// whose locks are SQLite's.
func lock(dir, database string) (unlock func(), err error) {
	own, err := os.OpenFile(keeper.LockFile(dir), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the database: %w", err)
	}
	if err := flock(own, syscall.LOCK_EX); err != nil {
		own.Close()
		return nil, fmt.Errorf("locking the database: %w", err)
	}
	if err := os.MkdirAll(logs.Directory(database), 0o700); err != nil {
		own.Close()
		return nil, fmt.Errorf("making the directory of the logs: %w", err)
	}
	shared, err := os.Open(logs.Directory(database))
	if err != nil {
		own.Close()
		return nil, fmt.Errorf("locking the database: %w", err)
	}
	if flock(shared, syscall.LOCK_EX|syscall.LOCK_NB) == syscall.EWOULDBLOCK {
		own.Close()
		shared.Close()
		return nil, tend.Errorf(tend.CodeBusy, "another supervisor holds %s, with another runtime directory or in another container", database).
			WithHint("use the same TEND_RUNTIME everywhere")
	}
	return func() { shared.Close(); own.Close() }, nil
}

func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); err != syscall.EINTR {
			return err
		}
	}
}
