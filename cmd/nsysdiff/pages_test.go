package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// TestPages: what was written comes out again, however it was cut up, and as
// often as asked for.
func TestPages(t *testing.T) {
	var p pages
	var want bytes.Buffer
	for i := range 300 {
		b := bytes.Repeat([]byte{byte(i)}, i*i%firstPage*(1+i%7))
		for _, w := range []io.Writer{&p, &want} {
			if n, err := w.Write(b); n != len(b) || err != nil {
				t.Fatalf("Write of %d bytes: %d, %v", len(b), n, err)
			}
			if n, err := io.WriteString(w, strings.Repeat("x", i)); n != i || err != nil {
				t.Fatalf("WriteString of %d bytes: %d, %v", i, n, err)
			}
		}
	}
	for range 2 {
		var got bytes.Buffer
		n, err := p.WriteTo(&got)
		if err != nil || n != int64(want.Len()) || !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Fatalf("WriteTo: %d bytes, %v, want those %d that were written", n, err, want.Len())
		}
	}
	held := 0
	for _, b := range append(p.full, p.last) {
		held += cap(b)
	}
	if held > want.Len()+largestPage {
		t.Errorf("%d bytes held for %d", held, want.Len())
	}
	if n, err := new(pages).WriteTo(io.Discard); n != 0 || err != nil {
		t.Errorf("WriteTo of none: %d, %v", n, err)
	}
	full := errors.New("full")
	if n, err := p.WriteTo(&failAfter{firstPage, full}); n != firstPage || !errors.Is(err, full) {
		t.Errorf("WriteTo where one page fits: %d, %v", n, err)
	}
}

// failAfter has room for some bytes.
type failAfter struct {
	room int
	err  error
}

func (w *failAfter) Write(b []byte) (int, error) {
	if w.room -= len(b); w.room < 0 {
		return 0, w.err
	}
	return len(b), nil
}
