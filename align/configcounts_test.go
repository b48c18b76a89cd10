package align

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestConfigCounts holds the counts against a map, for few and for many
// configurations, in runs and not, and when they are begun anew.
func TestConfigCounts(t *testing.T) {
	rng := rand.New(rand.NewPCG(40, 41))
	var c configCounts
	for range 500 {
		c.reset()
		n, configs := rng.IntN(200), 1+rng.IntN(4*maxListed)
		at := map[uint32]int{}
		var want []configCount
		config := uint32(0)
		for launch := 100; launch < 100+n; launch++ {
			if rng.IntN(3) > 0 {
				config = rng.Uint32N(uint32(configs))
			}
			i, ok := at[config]
			if !ok {
				i = len(want)
				at[config] = i
				want = append(want, configCount{config: config, first: launch})
			}
			want[i].n++
			c.add(launch, config)
		}
		if diff := cmp.Diff(want, append([]configCount(nil), c.end()...), cmp.AllowUnexported(configCount{})); diff != "" {
			t.Fatalf("%d launches of %d configurations (-want +got):\n%s", n, configs, diff)
		}
	}
}
