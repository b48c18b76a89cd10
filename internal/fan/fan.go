// Package fan shares work out among goroutines.
package fan

import (
	"context"
	"sync"
	"sync/atomic"
)

// Out calls fn for 0 to n-1, in no order, at most limit calls at a time, and
// returns when all are done. Once the context is cancelled it begins no more. The
// caller's goroutine makes calls too: to wake another processor takes longer than
// most of what small reports need.
func Out(ctx context.Context, limit, n int, fn func(i int)) {
	var next atomic.Int64
	work := func() {
		for ctx.Err() == nil {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			fn(i)
		}
	}
	var wg sync.WaitGroup
	for range min(limit, n) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}

// ApartBytes is how far apart what two goroutines write all the time should lie:
// within one line of the cache, or two that are fetched together, each write
// waits for the other processor.
const ApartBytes = 128
