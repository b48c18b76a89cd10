package render

import (
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		reason, s string
		width     int
		want      string
	}{
		{"at spaces", "one two three", 8, "one two|three"},
		{"what is too long", "nvjet_sm90_tst_x", 8, "nvjet_sm|90_tst_x"},
		{"a number and its unit", "apart by 3 µs, no more", 10, "apart by|3 µs, no|more"},
		{"a percentage", "present in (25 %) of all", 14, "present in|(25 %) of all"},
		{"a word that is like a unit", "kernel s", 8, "kernel s"},
		{"a geometry", "grid [8192 40 1] against [2048 40 1], the rest", 19, "grid [8192 40 1]|against|[2048 40 1], the|rest"},
		{"brackets of a name", "x [Executor] 3 y", 12, "x [Executor]|3 y"},
		{"a bracket that is not closed", "x [12 ab c", 8, "x [12 ab|c"},
	} {
		if got := strings.Join(Wrap(tt.s, tt.width), "|"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.reason, got, tt.want)
		}
	}
}
