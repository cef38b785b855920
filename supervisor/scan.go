package supervisor

import "tend/process"

// scan has all processes looked at and calls f with what was found, in the loop. Looks that are asked for while one is
// under way share the next.
func (s *Supervisor) scan(f func(process.Snapshot)) {
	s.scanWanted = append(s.scanWanted, f)
	s.startScan()
}

type scanned struct {
	all  process.Snapshot
	err  error
	want []func(process.Snapshot)
}

func (s *Supervisor) startScan() {
	if s.scanning || len(s.scanWanted) == 0 || s.now.Before(s.scanAfter) {
		return
	}
	s.scanning = true
	want := s.scanWanted
	s.scanWanted = nil
	go func() {
		all, err := process.Scan()
		s.scans <- scanned{all, err, want}
	}()
}

// seen takes in a look at all processes. One that failed, for want of descriptors perhaps, has not found nobody: it is
// repeated after a pause.
func (s *Supervisor) seen(r scanned) {
	s.scanning = false
	if r.err != nil {
		s.logf("looking at all processes, will try again: %v", r.err)
		s.scanWanted = append(r.want, s.scanWanted...)
		s.scanAfter = s.now.Add(huntPause)
		return
	}
	for _, f := range r.want {
		f(r.all)
	}
	s.startScan()
}
