// Package fan shares work out among goroutines.
package fan

import (
	"context"
	"sync"
	"sync/atomic"
)

// batches is how many times a goroutine fetches work, about, where there is much:
// often enough that none waits long for the others at the end.
const batches = 64

// Out calls fn for 0 to n-1, in no order, at most limit calls at a time, and
// returns when all are done. Once the context is cancelled it begins no more. The
// caller's goroutine makes calls too: to wake another processor takes longer than
// most of what small reports need.
func Out(ctx context.Context, limit, n int, fn func(i int)) {
	limit = min(limit, n)
	if limit <= 0 {
		return
	}
	var next atomic.Int64
	batch := max(1, n/(limit*batches))
	work := func() {
		for {
			end := int(next.Add(int64(batch)))
			if end-batch >= n {
				return
			}
			for i := end - batch; i < min(end, n); i++ {
				if ctx.Err() != nil {
					return
				}
				fn(i)
			}
		}
	}
	var wg sync.WaitGroup
	for range limit - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}

// ApartBytes is how far apart what two goroutines write all the time should lie:
// within one line of the cache, or two that are fetched together, each write
// waits for the other processor.
const ApartBytes = 128
