package main

import (
	"fmt"
	"net"
	"time"
)

// health measures what n health checks cost, one every ten seconds of each service, all of which succeed: the same services
// without any are what it is measured against.
func health(t *table, h *home, n int, s size) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	defer server.Close()
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	port := server.Addr().(*net.TCPAddr).Port
	progress("adding %d services with health checks", n)
	for i := range n {
		h.tend("add", "--health", fmt.Sprintf("tcp:%d", port), "--tag", "checked", name(i), "--", sleep, h.argument(i))
		h.tend("add", "plain-"+name(i), "--", sleep, h.argument(i))
	}
	h.tend("start", "plain-*")
	plainCPU, plainWoken := spent(h, s)
	h.tend("stop", "--all")
	h.tend("start", "@checked")
	cpu, woken := spent(h, s)
	h.tend("stop", "--all")
	h.idle()
	t.add(fmt.Sprintf("%d health checks every 10 s: CPU", n), fmt.Sprintf("%.2f %%", cpu), fmt.Sprintf("none: %.2f %%", plainCPU), "")
	t.add("… wake-ups in a second", fmt.Sprintf("%.0f", woken), fmt.Sprintf("none: %.0f", plainWoken), "")
}

// spent is what the chain takes when nothing but checks happens: CPU, in percent of one, and wake-ups in a second.
func spent(h *home, s size) (percent, woken float64) {
	progress("waiting for health checks, or for none")
	const interval = 10 * time.Second
	time.Sleep(interval) // all have begun
	chain := h.chain()
	begun := time.Now()
	before, switched := count(chain, cpu), count(chain, switches)
	time.Sleep(max(interval, time.Duration(s.idle)*time.Second))
	took := time.Since(begun)
	percent = 100 * float64(count(chain, cpu)-before) / float64(took)
	return percent, float64(count(chain, switches)-switched) / took.Seconds()
}
