package render

import (
	"testing"

	"github.com/mattn/go-runewidth"
)

// TestOneEach holds what is counted without the library against the library.
func TestOneEach(t *testing.T) {
	for r := rune(0); r <= 0x10FFFF; r++ {
		if s := string(r); oneEach(s) && (&runewidth.Condition{}).StringWidth(s) != 1 {
			t.Errorf("%U counts as one column and takes %d columns", r, (&runewidth.Condition{}).StringWidth(s))
		}
	}
	for _, s := range []string{"ampere_bf16_s16816gemm", "void f<…>(int) × 3", "12.5 µs ✓"} {
		if !oneEach(s) {
			t.Errorf("%q does not take one column each", s)
		}
	}
}
