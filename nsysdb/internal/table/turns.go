package table

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// Turns lets the callbacks of concurrent batches do something in the order of
// the batches. A source makes one for each read with [NewTurns].
type Turns struct {
	next atomic.Int64 // Seq of the batch whose turn it is
	over atomic.Bool

	mu      sync.Mutex
	waiting map[int64]chan struct{} // by Seq; closed when it is their turn, or all is over
}

// NewTurns returns turns that begin with batch 0.
func NewTurns() *Turns { return &Turns{waiting: map[int64]chan struct{}{}} }

// End ends all waiting, since the read has failed.
func (t *Turns) End() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over.Store(true)
	for seq, ch := range t.waiting {
		close(ch)
		delete(t.waiting, seq)
	}
}

// patience is how often a batch looks whether it is its turn before it sleeps,
// for half a millisecond or so. Batches take about the same time each, so that
// the turn comes soon, and to wake up takes longer than the turn of a batch: where
// one sleeps, all others soon wait for it and sleep too. With 30 looks, 16
// processors spent half of the time on that.
const patience = 5000

// wait waits for the turn of a batch. It reports whether it came.
func (t *Turns) wait(seq int64) bool {
	for range patience {
		if t.next.Load() == seq || t.over.Load() {
			return !t.over.Load()
		}
		runtime.Gosched()
	}
	t.mu.Lock()
	if t.next.Load() == seq || t.over.Load() {
		t.mu.Unlock()
		return !t.over.Load()
	}
	ch := make(chan struct{})
	t.waiting[seq] = ch
	t.mu.Unlock()
	<-ch
	return !t.over.Load()
}

// pass gives the turn to a batch.
func (t *Turns) pass(seq int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next.Store(seq)
	if ch := t.waiting[seq]; ch != nil {
		close(ch)
		delete(t.waiting, seq)
	}
}

// InTurn calls fn once the callbacks of all batches before this one have had
// their call, one call at a time. If any callback of a read uses InTurn, each
// must, once. Where the read fails meanwhile, fn is not called and the error
// is [context.Canceled], for the callback to return.
func (b *Batch) InTurn(fn func()) error {
	if !b.Turns.wait(int64(b.Seq)) {
		return context.Canceled
	}
	fn()
	b.Turns.pass(int64(b.Seq) + 1)
	return nil
}
