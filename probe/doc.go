// Package probe finds out whether services are ready and healthy.
//
// A [Checker] makes one attempt: it connects, or asks by HTTP. [Line] waits for a line in a log. A [Prober] has attempts made
// again and again, each by its own [Plan], until somebody ends them.
//
// # What it costs
//
// One goroutine and one timer serve all plans. Attempts that may wait a little are made together, on a grid of
// a twentieth of a second, and plans with a long pause begin at a random point of it: a thousand checks every ten seconds wake
// us twenty times a second, and five of them are made each time. An attempt is a goroutine of its own, of which there are so
// many at once that those that hang do not keep the others waiting; those that start processes have a smaller number to
// themselves. Nothing is left of a plan that has ended, not even a timer.
package probe
