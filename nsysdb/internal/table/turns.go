package table

import (
	"context"
	"sync"
)

// Turns lets the callbacks of concurrent batches do something in the order of
// the batches. A source makes one for each read with [NewTurns].
type Turns struct {
	mu   sync.Mutex
	cond *sync.Cond
	next int // Seq of the batch whose turn it is
	over bool
}

// NewTurns returns turns that begin with batch 0.
func NewTurns() *Turns {
	t := &Turns{}
	t.cond = sync.NewCond(&t.mu)
	return t
}

// End ends all waiting, since the read has failed.
func (t *Turns) End() {
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	t.cond.Broadcast()
}

// InTurn calls fn once the callbacks of all batches before this one have had
// their call, one call at a time. If any callback of a read uses InTurn, each
// must, once. Where the read fails meanwhile, fn is not called and the error
// is [context.Canceled], for the callback to return.
func (b *Batch) InTurn(fn func()) error {
	t := b.Turns
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.next != b.Seq && !t.over {
		t.cond.Wait()
	}
	if t.over {
		return context.Canceled
	}
	fn()
	t.next++
	t.cond.Broadcast()
	return nil
}
