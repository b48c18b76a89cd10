package fan_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/nsysdiff/nsysdiff/internal/fan"
)

// TestOut: each call is made once, and no more than limit at a time.
func TestOut(t *testing.T) {
	for _, limit := range []int{1, 2, 7} {
		for _, n := range []int{0, 1, 2, 6, 100, 1000, 1001} {
			t.Run(fmt.Sprintf("%d of %d", limit, n), func(t *testing.T) {
				calls := make([]atomic.Int32, n)
				var now, most atomic.Int32
				fan.Out(t.Context(), limit, n, func(i int) {
					calls[i].Add(1)
					at := now.Add(1)
					for m := most.Load(); at > m && !most.CompareAndSwap(m, at); m = most.Load() {
					}
					now.Add(-1)
				})
				for i := range calls {
					if c := calls[i].Load(); c != 1 {
						t.Errorf("%d calls for %d", c, i)
					}
				}
				if m := most.Load(); int(m) > limit {
					t.Errorf("%d calls at a time", m)
				}
			})
		}
	}
}

// TestOutAtOnce: as many goroutines as may be do work.
func TestOutAtOnce(t *testing.T) {
	const n = 4
	arrived, all := make(chan struct{}, n), make(chan struct{})
	go func() {
		for range n {
			<-arrived
		}
		close(all)
	}()
	fan.Out(t.Context(), n, n, func(int) {
		arrived <- struct{}{}
		<-all // each waits for all others
	})
}

// TestOutCancelled: no call begins after the context was cancelled.
func TestOutCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	fan.Out(ctx, 1, 100, func(i int) {
		calls++
		if i == 4 {
			cancel()
		}
	})
	if calls != 5 {
		t.Errorf("%d calls, want those to the cancellation, 5", calls)
	}
	fan.Out(ctx, 3, 100, func(i int) { t.Errorf("called for %d", i) })
}
