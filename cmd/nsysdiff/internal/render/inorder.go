package render

import (
	"context"
	"io"
	"runtime"
	"sync"

	"github.com/nsysdiff/nsysdiff/internal/fan"
)

// inOrder writes n pieces in their order. Each is made by piece, which appends it
// to what it is given: several are made at a time, and no more of them are held
// than that. It returns the first error, by order, and writes nothing after it.
func inOrder(w io.Writer, n int, piece func(b []byte, i int) ([]byte, error)) error {
	var (
		mu    sync.Mutex
		moved = sync.NewCond(&mu)
		next  int // the piece whose turn it is to be written
		first error
		spare [][]byte
	)
	take := func() (b []byte, stop bool) {
		mu.Lock()
		defer mu.Unlock()
		if k := len(spare); k > 0 {
			b, spare = spare[k-1], spare[:k-1]
		}
		return b[:0], first != nil
	}
	fan.Out(context.Background(), runtime.GOMAXPROCS(0), n, func(i int) {
		b, stop := take()
		var err error
		if !stop {
			b, err = piece(b, i)
		}
		mu.Lock()
		defer mu.Unlock()
		for next != i {
			moved.Wait()
		}
		if first == nil {
			if first = err; first == nil {
				_, first = w.Write(b)
			}
		}
		next++
		spare = append(spare, b)
		moved.Broadcast()
	})
	return first
}
