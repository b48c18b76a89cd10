package align

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/trace"
)

// TestClassify holds the classes of steps, which mostly are told by the steps just
// before, against those that all their launches make.
func TestClassify(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 0))
		s := &sequence{t: &trace.Trace{}}
		// Some configurations differ in their node only: they look the same.
		for i := range uint32(6) {
			s.t.Configs = append(s.t.Configs, trace.Config{Node: []uint32{trace.None, i}[rng.IntN(2)]})
			s.syms = append(s.syms, symbol{name: rng.Int32N(3), geom: rng.Int32N(2)})
		}
		// More kinds of steps than are remembered alternate.
		kinds := make([][]uint32, 1+rng.IntN(2*maxRecent))
		for i := range kinds {
			kinds[i] = make([]uint32, rng.IntN(400))
			for j := range kinds[i] {
				kinds[i][j] = rng.Uint32N(6)
			}
		}
		var steps []step
		add := func(k int) {
			st := step{first: s.t.Launches.Len(), n: len(kinds[k]), weight: rng.Int32N(3)}
			for _, config := range kinds[k] {
				duration := rng.Int64N(1000)
				if seed%2 == 1 && rng.IntN(500) == 0 {
					duration += 1 << 33
				}
				s.t.Launches.Append(0, duration, config, trace.None)
			}
			steps = append(steps, st)
		}
		for range rng.IntN(600) {
			add(rng.IntN(len(kinds)))
		}
		// Two steps whose launches alternate, as on two streams.
		for range 40 {
			a, b := rng.IntN(len(kinds)), rng.IntN(len(kinds))
			if len(kinds[a]) == 0 || len(kinds[b]) == 0 {
				continue
			}
			first := s.t.Launches.Len()
			var index [2][]uint32
			for j := range max(len(kinds[a]), len(kinds[b])) {
				for side, k := range []int{a, b} {
					if j < len(kinds[k]) {
						index[side] = append(index[side], uint32(s.t.Launches.Len()))
						s.t.Launches.Append(0, rng.Int64N(1000), kinds[k][j], trace.None)
					}
				}
			}
			for side := range index {
				steps = append(steps, step{first: first, n: len(index[side]), index: &index[side]})
			}
		}
		type facts struct {
			Steps    []int32
			Replayed bool
			NS       int64
		}
		var want, got []facts
		known := map[string]int{}
		for i := range steps {
			st := &steps[i]
			var key []byte
			replayed, ns := 0, int64(0)
			for k := range st.n {
				config := s.t.Launches.Config[st.at(k)]
				key = append(key, byte(s.syms[config].name), byte(s.syms[config].geom))
				ns += s.t.Launches.Duration(st.at(k))
				if s.t.Configs[config].Node != trace.None {
					replayed++
				}
			}
			if 2*replayed > st.n {
				key = append(key, 'r')
			}
			if _, ok := known[string(key)]; !ok {
				known[string(key)] = len(want)
				want = append(want, facts{Replayed: 2*replayed > st.n})
			}
			c := &want[known[string(key)]]
			c.Steps, c.NS = append(c.Steps, int32(i)), c.NS+ns*int64(max(st.weight, 1))
		}
		for _, c := range s.classify(t.Context(), steps) {
			got = append(got, facts{c.steps, c.replayed, c.ns})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: %d steps (-want +got):\n%s", seed, len(steps), diff)
		}
	}
}
