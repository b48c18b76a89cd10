package align_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestSamplesOfMany has more groups than are counted in one pass, of all kinds:
// of one duration, of one value, of few and of many, at both ends of what 32 bits
// hold.
func TestSamplesOfMany(t *testing.T) {
	const launches = 1_200_000
	for _, n := range []int{2000, 6000, 20_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) { testSamplesOfMany(t, launches, n) })
	}
}

func testSamplesOfMany(t *testing.T, launches, n int) {
	rng := rand.New(rand.NewPCG(3, 4))
	groups := make([]uint32, n)
	for i := range groups {
		groups[i] = uint32(n - 1 - i)
	}
	tr := &trace.Trace{}
	tr.Launches.Resize(launches)
	byGroup := make([][]int64, n)
	for i := range launches {
		config := uint32(rng.IntN(n))
		if i < n {
			config = uint32(i)
		} else if config%1000 == 1 {
			config = 2 // those are of one launch
		}
		var d int64
		switch config % 7 {
		case 0:
			d = 1<<32 - 2 - int64(config)
		case 1:
			d = rng.Int64N(3)
		case 2:
			d = 1<<32 - 2 - rng.Int64N(1<<31)
		case 3:
			d = rng.Int64N(1<<32 - 1)
		case 4:
			d = 1<<22 + rng.Int64N(1<<20)*rng.Int64N(2)
		default:
			d = 5000 + rng.Int64N(200)
		}
		tr.Launches.Set(i, int64(i), d, config, trace.None)
		byGroup[groups[config]] = append(byGroup[groups[config]], d)
	}
	want := make([]align.Sample, n)
	for g, d := range byGroup {
		want[g] = *align.NewSample(d, nil)
	}
	if diff := cmp.Diff(want, align.SamplesOf(context.Background(), tr, groups, n)); diff != "" {
		t.Errorf("samples differ (-want +got):\n%s", diff)
	}
}

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
		{"a group larger than is gathered at a time", 2_000_000, false},
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
