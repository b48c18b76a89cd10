package table_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// A took is what a batch was asked to do, in order.
type took struct {
	mu    sync.Mutex
	kept  []int
	order []int
	then  []int
}

func (k *took) turn(seq int) table.Turn {
	add := func(to *[]int) func() {
		return func() {
			k.mu.Lock()
			defer k.mu.Unlock()
			*to = append(*to, seq)
		}
	}
	return table.Turn{Keep: add(&k.kept), Do: add(&k.order), Then: add(&k.then)}
}

// TestInTurn starts the callbacks in the opposite order: none has its turn
// before batch 0, and none but batch 0 is kept waiting for that, unless many are.
func TestInTurn(t *testing.T) {
	const batches, waiting = 100, 64
	synctest.Test(t, func(t *testing.T) {
		turns := table.NewTurns()
		var k took
		var wg sync.WaitGroup
		var returned atomic.Int32
		for seq := batches - 1; seq >= 0; seq-- {
			wg.Go(func() {
				b := table.Batch{Seq: seq, Turns: turns}
				if err := b.InTurn(k.turn(seq)); err != nil {
					t.Errorf("batch %d: %v", seq, err)
				}
				returned.Add(1)
			})
			synctest.Wait()
			if seq > 0 && (len(k.order) > 0 || returned.Load() != int32(min(batches-seq, waiting))) {
				t.Fatalf("batch %d: %d have returned, batches %v had their turn before batch 0", seq, returned.Load(), k.order)
			}
		}
		wg.Wait()
		if len(k.order) != batches || !slices.IsSorted(k.order) {
			t.Errorf("order %v, want 0 to %d", k.order, batches-1)
		}
		if !slices.Equal(k.order, k.then) {
			t.Errorf("order %v, then %v", k.order, k.then)
		}
		slices.Sort(k.kept)
		if !slices.Equal(k.kept, k.order[1:]) {
			t.Errorf("kept %v, want all but batch 0", k.kept)
		}
	})
}

// TestInTurnAtOnce: nothing is kept where batches come in order.
func TestInTurnAtOnce(t *testing.T) {
	turns := table.NewTurns()
	var k took
	for seq := range 5 {
		b := table.Batch{Seq: seq, Turns: turns}
		if err := b.InTurn(k.turn(seq)); err != nil {
			t.Error(err)
		}
		if len(k.then) != seq+1 {
			t.Errorf("after batch %d: %v", seq, k.then)
		}
	}
	if len(k.kept) > 0 {
		t.Errorf("kept %v", k.kept)
	}
}

// TestInTurnEnded fails a read whose batch 1 never comes: those that wait for
// others to be done, and those that come later, must be sent back.
func TestInTurnEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := table.NewTurns()
		var k took
		call := func(seq int) error {
			b := table.Batch{Seq: seq, Turns: turns}
			return b.InTurn(k.turn(seq))
		}
		if err := call(0); err != nil {
			t.Error(err)
		}
		var wg sync.WaitGroup
		var failed atomic.Int32
		for seq := 2; seq < 80; seq++ {
			wg.Go(func() {
				switch err := call(seq); err {
				case nil:
				case context.Canceled:
					failed.Add(1)
				default:
					t.Errorf("batch %d: %v", seq, err)
				}
			})
			synctest.Wait()
		}
		turns.End()
		wg.Wait()
		if n := failed.Load(); n != 78-64 {
			t.Errorf("%d batches were sent back, want those of 78 that were one too many", n)
		}
		if err := call(1); err != context.Canceled {
			t.Errorf("batch 1: error %v", err)
		}
		turns.End() // by another worker that failed too
		if !slices.Equal(k.order, []int{0}) || !slices.Equal(k.then, []int{0}) {
			t.Errorf("batches %v had their turn, then %v, want batch 0 alone", k.order, k.then)
		}
	})
}

// TestInTurnEndedMeanwhile fails a read while a batch has its turn.
func TestInTurnEndedMeanwhile(t *testing.T) {
	turns := table.NewTurns()
	var k took
	later := table.Batch{Seq: 1, Turns: turns}
	if err := later.InTurn(k.turn(1)); err != nil {
		t.Error(err)
	}
	b := table.Batch{Seq: 0, Turns: turns}
	turn := k.turn(0)
	turn.Do = turns.End
	if err := b.InTurn(turn); err != context.Canceled {
		t.Errorf("error %v", err)
	}
	if len(k.order)+len(k.then) > 0 {
		t.Errorf("batches %v had their turn, then %v", k.order, k.then)
	}
}
