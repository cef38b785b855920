package keeper

import "path/filepath"

// Socket is where the supervisor listens. It is bound under the name Socket(dir)+".new", which is as long as any here.
func Socket(dir string) string { return filepath.Join(dir, "sock") }

// NotifyDirectory holds the sockets by which services tell how they are. Its name is short: see Directory.
func NotifyDirectory(dir string) string { return filepath.Join(dir, "n") }

// LockFile is what the supervisor holds a lock on for as long as it lives.
func LockFile(dir string) string { return filepath.Join(dir, "lock") }

// JournalFile is where the keepers write exits down.
func JournalFile(dir string) string { return filepath.Join(dir, "exits") }

// TendLog is where what tend's own processes have to say goes.
func TendLog(dir string) string { return filepath.Join(dir, "tend.log") }

// offerSocket is where a supervisor that has lost its keepers offers what they kept.
func offerSocket(dir string) string { return filepath.Join(dir, "shelf") }

func startLock(dir string) string   { return filepath.Join(dir, "start.lock") }
func keepersLock(dir string) string { return filepath.Join(dir, "keepers.lock") }
