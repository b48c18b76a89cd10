package table_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// TestInTurn starts the callbacks in the opposite order: each must wait until
// all before it had their call.
func TestInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const batches = 20
		turns := table.NewTurns()
		var wg sync.WaitGroup
		var order []int // unguarded: calls do not overlap
		for seq := batches - 1; seq >= 0; seq-- {
			wg.Go(func() {
				b := table.Batch{Seq: seq, Turns: turns}
				if err := b.InTurn(func() { order = append(order, seq) }); err != nil {
					t.Errorf("batch %d: %v", seq, err)
				}
			})
			synctest.Wait()
			if seq > 0 && len(order) > 0 {
				t.Fatalf("batches %v had their call before batch 0", order)
			}
		}
		wg.Wait()
		if len(order) != batches || !slices.IsSorted(order) {
			t.Errorf("order %v, want 0 to %d", order, batches-1)
		}
	})
}

// TestInTurnEnded fails a read whose batch 1 never comes: those that wait, and
// those that come later, must be sent back.
func TestInTurnEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := table.NewTurns()
		call := func(seq int, want error) {
			b := table.Batch{Seq: seq, Turns: turns}
			called := false
			if err := b.InTurn(func() { called = true }); err != want || called != (want == nil) {
				t.Errorf("batch %d: error %v, called %v, want %v", seq, err, called, want)
			}
		}
		call(0, nil)
		var wg sync.WaitGroup
		for seq := 2; seq < 5; seq++ {
			wg.Go(func() { call(seq, context.Canceled) })
		}
		synctest.Wait()
		turns.End()
		wg.Wait()
		call(1, context.Canceled)
		turns.End() // by another worker that failed too
	})
}
