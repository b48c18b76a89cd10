package main

import "io"

// pages hold what is written to them in pieces that stay where they are: a large
// document grows without being copied, and has room for no more than it needs.
type pages struct {
	full [][]byte
	last []byte
}

const (
	firstPage   = 4 << 10
	largestPage = 1 << 20
)

// room returns how many bytes fit the last page, which it first makes if there
// are none.
func (p *pages) room() int {
	if len(p.last) == cap(p.last) {
		size := firstPage
		if p.last != nil {
			p.full = append(p.full, p.last)
			size = min(2*cap(p.last), largestPage)
		}
		p.last = make([]byte, 0, size)
	}
	return cap(p.last) - len(p.last)
}

func (p *pages) Write(b []byte) (int, error) { return hold(p, b), nil }

func (p *pages) WriteString(s string) (int, error) { return hold(p, s), nil }

func hold[T string | []byte](p *pages, s T) int {
	n := len(s)
	for len(s) > 0 {
		k := min(p.room(), len(s))
		p.last = append(p.last, s[:k]...)
		s = s[k:]
	}
	return n
}

// WriteTo writes all that was written.
func (p *pages) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for _, b := range append(p.full[:len(p.full):len(p.full)], p.last) {
		n, err := w.Write(b)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}
