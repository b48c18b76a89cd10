package align

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// parallel calls fn for 0 to n-1 on all processors, in no order, and stops
// early if the context is cancelled. The caller's goroutine is one of those that
// do: to wake another processor takes longer than most of what small traces need.
func parallel(ctx context.Context, n int, fn func(i int)) {
	parallelAtMost(ctx, runtime.GOMAXPROCS(0), n, fn)
}

// parallelAtMost is parallel, with no more than limit calls at a time.
func parallelAtMost(ctx context.Context, limit, n int, fn func(i int)) {
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
	for range min(n, limit, runtime.GOMAXPROCS(0)) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}

// minPart is the number of launches below which it takes longer to start a
// goroutine than to look at them.
const minPart = 1 << 14

// launchParts divides launches into parts of like size, for a goroutine each.
func launchParts(start, end int) []interval {
	parts := divide(end-start, end-start)
	for k := range parts {
		parts[k].start += start
		parts[k].end += start
	}
	return parts
}

// divide divides n things, which are or have so many launches, into parts for a
// goroutine each.
func divide(n, launches int) []interval {
	parts := make([]interval, min((launches+minPart-1)/minPart, runtime.GOMAXPROCS(0)))
	for k := range parts {
		parts[k] = interval{n * k / len(parts), n * (k + 1) / len(parts)}
	}
	return parts
}

// apartInts is how many more integers than it needs a slice has that one
// goroutine writes all the time, beside those of others: within one line of the
// cache, or two that are fetched together, each write waits for the other
// processor.
const apartInts = 16

// newCounts returns n counts for one goroutine.
func newCounts[T int | int64](n int) []T { return make([]T, n, n+apartInts) }
