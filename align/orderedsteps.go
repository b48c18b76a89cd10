package align

import "math"

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
func orderSteps(steps []float64) *orderedSteps {
	o := new(orderedSteps)
	o.order(steps, new(fewSorter[uint64]))
	return o
}

// order makes o the order of the values of Sample.Steps.
func (o *orderedSteps) order(steps []float64, sorter *fewSorter[uint64]) {
	o.n = len(steps)
	// Floats of at least 0 are in the order of their bits. Medians of medians are
	// whole quarters of a nanosecond, which leave the lowest bits free up to 2^44 ns.
	var keys [maxBlocks]uint64
	for i, v := range steps {
		keys[i] = math.Float64bits(v)&^(1<<stepBits-1) | uint64(i)
	}
	sorter.sort(keys[:o.n])
	for k, key := range keys[:o.n] {
		o.at[k] = uint8(key & (1<<stepBits - 1))
		o.values[k] = steps[o.at[k]]
	}
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
	// by[0] and by[1] are the ranks of even and odd steps, by[2] and by[3] those of
	// the first and the second half, ascending.
	var by [4][maxBlocks]uint8
	var n [4]uint8
	for k, at := range o.at[:o.n] {
		parity, half := at&1, 2+b2u(int(at) >= o.n/2)
		by[parity][n[parity]%maxBlocks] = uint8(k)
		by[half][n[half]%maxBlocks] = uint8(k)
		n[parity]++
		n[half]++
	}
	median := func(i int) float64 {
		lo, hi := by[i][(n[i]-1)/2], by[i][n[i]/2]
		return (o.values[lo] + o.values[hi]) / 2
	}
	return max(apart(median(0), median(1)), apart(median(2), median(3)))
}
