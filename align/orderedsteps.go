package align

import (
	"math"
	"slices"
)

// orderedSteps is the values of Sample.Steps in ascending order, and where each
// stood. All that is asked of the steps of a site takes this one sorting: there are
// tens of thousands of sites where steps are long.
type orderedSteps struct {
	n      int
	values [maxBlocks]float64
	at     [maxBlocks]uint8 // by rank
}

// stepBits is how many bits tell the steps apart.
const stepBits = 6

// Each step must have a number of stepBits.
var _ [1<<stepBits - maxBlocks]struct{}

// orderSteps sorts the values of Sample.Steps.
func orderSteps(steps []float64) orderedSteps {
	o := orderedSteps{n: len(steps)}
	// Floats of at least 0 are in the order of their bits. Medians of medians are
	// whole quarters of a nanosecond, which leave the lowest bits free up to 2^44 ns.
	var keys [maxBlocks]uint64
	for i, v := range steps {
		keys[i] = math.Float64bits(v)&^(1<<stepBits-1) | uint64(i)
	}
	slices.Sort(keys[:o.n])
	for k, key := range keys[:o.n] {
		o.at[k] = uint8(key & (1<<stepBits - 1))
		o.values[k] = steps[o.at[k]]
	}
	return o
}

// ascending returns the values in ascending order.
func (o *orderedSteps) ascending() []float64 { return o.values[:o.n] }

// splitHalf returns the noise floor of a ratio that the sample itself shows:
// how far apart the medians of its two halves are, in time and by even and odd
// steps, as a ratio of at least 1.
func (o *orderedSteps) splitHalf() float64 {
	if o.n < 4 {
		return 1
	}
	// by[0] and by[1] are the values of even and odd steps, by[2] and by[3] those of
	// the first and the second half, in ascending order.
	var by [4][maxBlocks + 1]float64
	var n [4]int
	for k, v := range o.ascending() {
		at := int(o.at[k])
		parity, half := at&1, 2
		if at >= o.n/2 {
			half = 3
		}
		by[parity][n[parity]] = v
		by[half][n[half]] = v
		n[parity]++
		n[half]++
	}
	median := func(i int) float64 { return quantile(by[i][:n[i]], 0.5) }
	return max(apart(median(0), median(1)), apart(median(2), median(3)))
}
