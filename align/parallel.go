package align

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// parallel calls fn for 0 to n-1 on all processors, in no order, and stops
// early if the context is cancelled.
func parallel(ctx context.Context, n int, fn func(i int)) {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				fn(i)
			}
		})
	}
	wg.Wait()
}

// minPart is the number of launches below which it takes longer to start a
// goroutine than to look at them.
const minPart = 1 << 14

// launchParts divides launches into parts of like size, for a goroutine each.
func launchParts(start, end int) []interval {
	n := min((end-start+minPart-1)/minPart, runtime.GOMAXPROCS(0))
	parts := make([]interval, n)
	for k := range parts {
		parts[k] = interval{start + (end-start)*k/n, start + (end-start)*(k+1)/n}
	}
	return parts
}
