// Package process is the only place that touches processes: it starts them, tells one from another, signals them,
// learns of their end and finds the trees they grow.
//
// A process is a [tend.Identity], pid and start time, never a pid alone. The three ways in which the kernel lets one
// act on a pid that now names somebody else are closed the same way everywhere: a pidfd is opened first, which pins
// the process, and the start time is compared after.
//
// The guarantees are Linux's. Elsewhere the package works with fewer of them; each _other.go file says which.
package process
