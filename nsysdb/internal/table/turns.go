package table

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// Turns lets the callbacks of concurrent batches do something in the order of
// the batches. A source makes one for each read with [NewTurns].
//
// Nobody waits for a turn but where many batches do already: to sleep and to wake
// up takes longer than a batch, and where one sleeps, all others soon have to wait
// for it.
type Turns struct {
	next atomic.Int64 // Seq of the batch whose turn it is; changed with mu held

	mu      sync.Mutex
	over    bool
	waiting map[int64]Turn // by Seq
	fewer   sync.Cond      // when fewer wait, or all is over
}

// NewTurns returns turns that begin with batch 0.
func NewTurns() *Turns {
	t := &Turns{waiting: map[int64]Turn{}}
	t.fewer.L = &t.mu
	return t
}

// patience is how often a batch looks whether it is its turn before it keeps what
// it has for later, which takes about as long.
const patience = 100

// maxWaiting is how many batches may wait while their callbacks have returned.
const maxWaiting = 64

// A Turn is what a batch does when it is its turn.
type Turn struct {
	// Keep is called if the turn comes later, for what Do and Then need of the
	// batch, whose columns then are others'.
	Keep func()
	// Do is called once those of all batches before have been, one at a time.
	Do func()
	// Then is called after Do, at the same time as what other batches do.
	Then func()
}

// End ends all waiting, since the read has failed.
func (t *Turns) End() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	t.fewer.Broadcast()
}

// InTurn does what the batch has to do in turn: at once, if it is its turn, or
// later, in the callback of another batch. If any callback of a read uses InTurn,
// each must, once. Where the read fails meanwhile, nothing is done and the error
// is [context.Canceled], for the callback to return.
func (b *Batch) InTurn(turn Turn) error {
	t := b.Turns
	seq := int64(b.Seq)
	for looks := 0; t.next.Load() != seq; looks++ {
		if looks == patience {
			turn.Keep()
			break
		}
		runtime.Gosched()
	}
	t.mu.Lock()
	if t.next.Load() != seq && !t.over {
		t.waiting[seq] = turn
		for len(t.waiting) > maxWaiting && !t.over {
			t.fewer.Wait()
		}
		defer t.mu.Unlock()
		return t.err()
	}
	var done []Turn
	for ok := true; ok && !t.over; {
		t.mu.Unlock()
		turn.Do()
		done = append(done, turn)
		t.mu.Lock()
		seq++
		t.next.Store(seq)
		if turn, ok = t.waiting[seq]; ok {
			delete(t.waiting, seq)
			t.fewer.Broadcast()
		}
	}
	err := t.err()
	t.mu.Unlock()
	if err != nil {
		return err
	}
	for _, turn := range done {
		turn.Then()
	}
	return nil
}

// err returns the error of a read that has failed.
func (t *Turns) err() error {
	if t.over {
		return context.Canceled
	}
	return nil
}
