package align

import (
	"math"
	"math/bits"
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

// A set of ranks has a bit for each step.
var _ [64 - maxBlocks]struct{}

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

// take makes o the order of the steps of a cell.
func (o *orderedSteps) take(c *cell, sorter *fewSorter[uint64]) {
	if c.order == nil {
		o.order(c.sample.Steps, sorter)
		return
	}
	o.n = copy(o.at[:], c.order)
	for k, at := range c.order {
		o.values[k] = c.sample.Steps[at]
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
	var odd, late uint64 // the ranks of odd steps, and of those of the second half
	for k, at := range o.at[:o.n] {
		odd |= uint64(at&1) << (k % maxBlocks)
		late |= uint64(b2u(int(at) >= o.n/2)) << (k % maxBlocks)
	}
	all := ^uint64(0) >> (64 - o.n)
	return max(apart(o.median(all&^odd), o.median(odd)), apart(o.median(all&^late), o.median(late)))
}

// median returns the median of the values whose ranks are the bits of a set.
func (o *orderedSteps) median(ranks uint64) float64 {
	n := bits.OnesCount64(ranks)
	for range (n - 1) / 2 {
		ranks &= ranks - 1
	}
	lo := o.values[bits.TrailingZeros64(ranks)%maxBlocks]
	if n%2 == 1 {
		return lo
	}
	ranks &= ranks - 1
	return (lo + o.values[bits.TrailingZeros64(ranks)%maxBlocks]) / 2
}
