package align

import (
	"cmp"
	"context"
	"errors"
	"runtime"

	"github.com/nsysdiff/nsysdiff/internal/fan"
)

// parallel calls fn for 0 to n-1 on all processors, in no order, and stops
// early if the context is cancelled.
func parallel(ctx context.Context, n int, fn func(i int)) {
	fan.Out(ctx, runtime.GOMAXPROCS(0), n, fn)
}

// try is parallel for what may fail: it returns why the context was cancelled, or
// else what the calls returned.
func try(ctx context.Context, n int, fn func(i int) error) error {
	errs := make([]error, n)
	parallel(ctx, n, func(i int) { errs[i] = fn(i) })
	return cmp.Or(ctx.Err(), errors.Join(errs...))
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

// newCounts returns n counts for one goroutine, apart from those of others.
func newCounts[T int | int64](n int) []T { return make([]T, n, n+fan.ApartBytes/8) }
