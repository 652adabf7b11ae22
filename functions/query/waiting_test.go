package query

import (
	"net/http"
	"runtime"
)

// AwaitWaiting waits until n requests wait for statements that run.
func AwaitWaiting(h http.Handler, n int) {
	c := h.(*handler).results
	for {
		c.mu.Lock()
		waiting := 0
		for _, r := range c.running {
			waiting += r.waiting
		}
		c.mu.Unlock()
		if waiting == n {
			return
		}
		runtime.Gosched()
	}
}
