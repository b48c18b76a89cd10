package render

import (
	"context"
	"io"
	"runtime"
	"sync"

	"github.com/nsysdiff/nsysdiff/internal/fan"
)

// inOnePiece is how many sites are rendered at once: enough that handing pieces
// out costs nothing, few enough that a piece stays in the cache.
const inOnePiece = 64

// inPieces writes what piece makes of n sites, some of them at a time, as
// [inOrder] does.
func inPieces(w io.Writer, n int, piece func(b []byte, from, to int) ([]byte, error)) error {
	return inOrder(w, (n+inOnePiece-1)/inOnePiece, func(b []byte, i int) ([]byte, error) {
		return piece(b, i*inOnePiece, min((i+1)*inOnePiece, n))
	})
}

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
