//go:build !linux

package notify

import (
	"os"
	"time"
)

// Server is none on this system.
type Server struct{}

// NewServer returns a Server that receives nothing.
func NewServer(Events) *Server { return &Server{} }

// Bind fails.
func Bind(string) (*os.File, error) { return nil, ErrUnsupported }

// NewPipe fails.
func NewPipe() (service, read *os.File, err error) { return nil, nil, ErrUnsupported }

// AddSocket closes the file and fails.
func (*Server) AddSocket(_ string, f *os.File) error { return refuse(f) }

// AddPipe closes the file and fails.
func (*Server) AddPipe(_ string, f *os.File) error { return refuse(f) }

// AddHeld closes the file and fails.
func (*Server) AddHeld(_ string, f *os.File) error { return refuse(f) }

func refuse(f *os.File) error {
	f.Close()
	return ErrUnsupported
}

// Has reports false.
func (*Server) Has(string) bool { return false }

// Keys returns none.
func (*Server) Keys() []string { return nil }

// Fresh reports false.
func (*Server) Fresh(News) bool { return false }

// Done does nothing.
func (*Server) Done(News) {}

// Next finds nothing.
func (*Server) Next(string) (News, bool) { return News{}, false }

// Pinged knows of no ping.
func (*Server) Pinged(string) (last time.Time, unread bool) { return time.Time{}, false }

// Restrict does nothing.
func (*Server) Restrict(string, int) {}

// File fails.
func (*Server) File(string) (*os.File, error) { return nil, ErrUnsupported }

// Remove does nothing.
func (*Server) Remove(string) {}

// Close does nothing.
func (*Server) Close() {}
