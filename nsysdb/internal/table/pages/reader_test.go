package pages

import (
	"runtime"
	"testing"
)

// tableOf returns a scan of a table of so many leaves.
func tableOf(leaves, pageSize int) *scan {
	s := &scan{Source: &Source{}}
	s.layout.pageSize = pageSize
	s.leaves.page = make([]uint32, leaves)
	return s
}

func TestWorkers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(5))
	for _, c := range []struct {
		name             string
		leaves, pageSize int
		asked, want      int
	}{
		{"an empty table", 1, 4096, 8, 1},
		{"too little for two", 127, 4096, 8, 1},
		{"one more for each 512 KiB", 128, 4096, 8, 2},
		{"the same in larger pages", 8, 65536, 8, 2},
		{"up to the next", 255, 4096, 8, 2},
		{"the next", 256, 4096, 8, 3},
		{"as many as asked for", 1 << 20, 4096, 8, 8},
		{"one", 1 << 20, 4096, 1, 1},
		{"as many as there are processors", 1 << 20, 4096, 0, 5},
		{"of a small table", 128, 4096, 0, 2},
	} {
		if got := tableOf(c.leaves, c.pageSize).workers(c.asked); got != c.want {
			t.Errorf("%s: %d workers, want %d", c.name, got, c.want)
		}
	}
}

// TestPerRun: what is read at a time grows with the table, up to a bound in
// pages and one in bytes, and is never nothing.
func TestPerRun(t *testing.T) {
	for _, c := range []struct {
		name                   string
		leaves, pageSize, want int
	}{
		{"an empty table", 1, 4096, 8},
		{"a small one", 16 * 8, 4096, 8},
		{"a sixteenth", 16 * 20, 4096, 20},
		{"64 pages", 16 * 64, 4096, 64},
		{"no more than these", 1 << 20, 4096, 64},
		{"256 KiB", 1 << 20, 16384, 16},
		{"256 KiB of the largest pages", 1 << 20, 65536, 4},
		{"256 KiB of a small table", 1, 65536, 4},
		{"small pages", 1 << 20, 512, 64},
	} {
		if got := tableOf(c.leaves, c.pageSize).perRun(); got != c.want {
			t.Errorf("%s: %d leaves at a time, want %d", c.name, got, c.want)
		}
	}
}
