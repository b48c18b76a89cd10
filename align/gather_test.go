package align_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestSamplesOf compares the samples of groups, which are gathered a few at a
// time and by parts of the launches, with those of each by itself.
func TestSamplesOf(t *testing.T) {
	for _, test := range []struct {
		name     string
		launches int
		long     bool // a launch of more than 2^32 ns
	}{
		{"few", 1000, false},
		{"few with a long one", 1000, true},
		{"more than are gathered at a time", 1_300_000, false},
		{"more with a long one", 1_300_000, true},
		{"a group too large to be gathered", 2_000_000, false},
		{"such a group with a long one", 2_000_000, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			// Group 1 has most launches, group 3 none, and two configurations
			// share group 0.
			groups := []uint32{0, 1, 0, 2, 4}
			tr := &trace.Trace{}
			tr.Launches.Resize(test.launches)
			byGroup := make([][]int64, 5)
			for i := range test.launches {
				config := uint32(rng.IntN(6)) % 5
				if rng.IntN(2) == 0 {
					config = 1
				}
				d := 1000 + rng.Int64N(1<<20)
				if i%5 == 0 { // the upper half of most medians, and of no other
					d = 1<<17 + rng.Int64N(100)
				}
				if i%1000 == 0 {
					d = 1<<32 - 2 - rng.Int64N(2)
				}
				if test.long && i == test.launches/2 {
					d = 1 << 33
				}
				tr.Launches.Set(i, int64(i), d, config, trace.None)
				byGroup[groups[config]] = append(byGroup[groups[config]], d)
			}
			want := make([]align.Sample, 5)
			for g, d := range byGroup {
				want[g] = *align.NewSample(d, nil)
			}
			if diff := cmp.Diff(want, align.SamplesOf(context.Background(), tr, groups, 5)); diff != "" {
				t.Errorf("samples differ (-want +got):\n%s", diff)
			}
		})
	}
}
