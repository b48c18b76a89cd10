package hugepages_test

import (
	"slices"
	"testing"

	"github.com/nsysdiff/nsysdiff/internal/hugepages"
)

func TestMake(t *testing.T) {
	for _, n := range []int{0, 1, 1 << 20, 1<<20 + 1, 3 << 20} {
		s := hugepages.Make[uint64](n)
		if len(s) != n || slices.Max(append(s, 0)) != 0 {
			t.Errorf("%d: %d values, not all zero", n, len(s))
		}
		for i := range s {
			s[i] = uint64(i)
		}
		if n > 0 && (s[n-1] != uint64(n-1) || s[n/2] != uint64(n/2)) {
			t.Errorf("%d: values were lost", n)
		}
	}
}
