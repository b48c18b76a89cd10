package align

import (
	"context"
	"slices"

	"github.com/nsysdiff/nsysdiff/trace"
)

// What the tests of package align_test look at from the inside: the steps of
// the pipeline that have a reference to be held against.

// Element is a launch as alignment sees it.
type Element = element

// NewElement makes an element of its numbers. Module 0 is none.
func NewElement(name, family, noDtype, geom, module int32) Element {
	return element{symbol{name: name, family: family, noDtype: noDtype, geom: geom}, module}
}

// The costs of gaps.
const (
	GapOpen, GapExtend     = gapOpen, gapExtend
	LongOpen, LongExtend   = longOpen, longExtend
	TableOpen, TableExtend = tableOpen, tableExtend
	MaxCells               = maxCells
)

// Score is the score of pairing two launches.
func Score(a, b Element) int32 { return score(a, b) }

// AlignGlobal returns the pairs of a global alignment.
func AlignGlobal(ctx context.Context, a, b []Element) ([][2]int, error) {
	pairs, err := alignGlobal(ctx, a, b)
	out := make([][2]int, len(pairs))
	for i, p := range pairs {
		out[i] = [2]int{int(p.a), int(p.b)}
	}
	return out, err
}

// FindOccurrences returns where query aligns in seq, as half-open ranges.
func FindOccurrences(ctx context.Context, query, seq []Element, threshold int32) ([][2]int, error) {
	found, _, err := FindBest(ctx, query, seq, threshold)
	return found, err
}

// FindBest returns what FindOccurrences does, and where that is nothing the score of
// the best alignment.
func FindBest(ctx context.Context, query, seq []Element, threshold int32) ([][2]int, int32, error) {
	found, best, err := newLocalMemo(query, threshold).find(ctx, seq)
	out := make([][2]int, len(found))
	for i, f := range found {
		out[i] = [2]int{f.start, f.end}
	}
	return out, best, err
}

// A Memo finds one query in one sequence after another.
type Memo struct{ m *localMemo }

func NewMemo(query []Element, threshold int32) Memo { return Memo{newLocalMemo(query, threshold)} }

// Find is FindBest. It returns too whether it remembers columns to the end of the
// sequence, and how many of that it worked out.
func (m Memo) Find(seq []Element) (found [][2]int, best int32, remembers bool, worked int) {
	m.m.begin(len(seq))
	found, best = m.search(seq)
	return found, best, !m.m.plain, m.m.misses
}

// FindPlainly is FindBest with each column worked out.
func (m Memo) FindPlainly(seq []Element) (found [][2]int, best int32) {
	m.m.begin(len(seq))
	m.m.plain = true
	return m.search(seq)
}

func (m Memo) search(seq []Element) (found [][2]int, best int32) {
	intervals, best, _ := m.m.search(context.Background(), seq)
	for _, f := range intervals {
		found = append(found, [2]int{f.start, f.end})
	}
	return found, best
}

// Diff returns the runs of equal launches of a difference: where in a, where
// in b, how many.
func Diff(ctx context.Context, a, b []Element) ([][3]int, error) {
	runs, err := diff(ctx, a, b)
	out := make([][3]int, len(runs))
	for i, r := range runs {
		out[i] = [3]int{r.a, r.b, r.n}
	}
	return out, err
}

// BootstrapRatio returns the interval of the ratio of two medians.
func BootstrapRatio(x, y []float64) (lo, hi float64) { return NewBootstrap()(x, y) }

// NewBootstrap returns BootstrapRatio with what is known of numbers of values kept
// from one call to the next.
func NewBootstrap() func(x, y []float64) (lo, hi float64) {
	b, scratch := newBootstrap(), new(ratioScratch)
	return func(x, y []float64) (lo, hi float64) {
		return b.ratio(slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y)), scratch)
	}
}

// MaxBlocks is how many values Sample.Steps keeps.
const MaxBlocks = maxBlocks

// MedianRanks returns, by rank, how many of 20 quantiles of a resampled median of n
// values have it.
func MedianRanks(n int) []int { return medianRanks(n) }

// LowerPairs returns how many pairs of ranks one end of BootstrapRatio's interval is
// told from.
func LowerPairs(nx, ny int) int { return len(newBootstrap().lowerPairs(nx, ny)) }

// BootstrapRatios returns the ratios of all pairs of quantiles of the medians of
// values, that BootstrapRatio's interval is of.
func BootstrapRatios(x, y []float64) []float64 {
	medians := func(values []float64) (out []float64) {
		values = slices.Sorted(slices.Values(values))
		for rank, n := range medianRanks(len(values)) {
			out = append(out, slices.Repeat(values[rank:rank+1], n)...)
		}
		return out
	}
	var out []float64
	for _, a := range medians(x) {
		for _, b := range medians(y) {
			out = append(out, ratioOf(a, b))
		}
	}
	return out
}

// OrderSteps returns the values of Sample.Steps in ascending order, and how far the
// medians of their halves are apart.
func OrderSteps(steps []float64) (ascending []float64, splitHalf float64) {
	o := orderSteps(steps)
	return slices.Clone(o.ascending()), o.splitHalf()
}

// FewValues is up to how many numbers NewFewSorter sorts.
const FewValues = fewValues

// NewFewSorter returns a function that sorts few numbers, with memory of its own.
func NewFewSorter[T uint32 | uint64 | int64]() func(values []T) { return new(fewSorter[T]).sort }

// MedianRank returns the rank, from 0, of the lower bound of the median's
// interval, or -1.
func MedianRank(n int) int { return medianRank(n) }

// NewSample summarises durations, step k being durations[bounds[k]:bounds[k+1]].
func NewSample(durations []int64, bounds []uint32) *Sample {
	if bounds == nil {
		return newSample(durations, nil)
	}
	return newSample(durations, blockMedians(durations, bounds))
}

// Blocks is what Sample.Steps is of steps of one launch each.
func Blocks(durations []int64) []float64 { return blocks(durations) }

// RankTest returns the p-value of the rank test.
func RankTest(x, y []float64) (float64, bool) { return NewRankTest()(x, y) }

// NewRankTest returns a rank test that keeps what it works out.
func NewRankTest() func(x, y []float64) (float64, bool) {
	var t uTest
	return func(x, y []float64) (float64, bool) {
		return t.p(slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y)))
	}
}

// MedianOf returns the median of values, which it may reorder.
func MedianOf(values []uint32) float64 { return medianOf(values) }

// RatioOf returns a ratio that is finite.
func RatioOf(x, y float64) float64 { return ratioOf(x, y) }

func OrderStatistics(values []int64, ranks []int, out []int64) { orderStatistics(values, ranks, out) }

func SelectQuantile(values []float64, p float64) float64 { return selectQuantile(values, p) }

// SamplesOf summarises launches by group, given by configuration.
func SamplesOf(ctx context.Context, t *trace.Trace, groups []uint32, n int) []Sample {
	return samplesOf(ctx, t, groups, n)
}

// A RangeCount is what a group of NVTX ranges says of its launches.
type RangeCount struct {
	Name            string
	Ranges, Repeats int
	NS              int64
}

// CountRanges returns the groups of a trace's ranges, the time of launches in no
// range, and the part of the time that the outermost repeated ranges cover.
func CountRanges(t *trace.Trace) (groups []RangeCount, outside int64, covered float64) {
	tree := newRangeTree(t)
	tree.count(context.Background())
	for _, g := range tree.groups[1:] {
		groups = append(groups, RangeCount{g.name, g.ranges, g.repeats, g.ns})
	}
	return groups, tree.outside, cutRanges(context.Background(), tree, outermostRepeated(tree.groups, isSetup)).covered(context.Background())
}

// CutPeriods tells steps by what repeats, in each way, and returns how many there
// are in all.
func CutPeriods(t *trace.Trace) int {
	n := 0
	for _, cut := range repeatedSteps(t, newAlphabet(nil).symbols(t)) {
		n += len(cut().steps)
	}
	return n
}

// TimesOf returns the time from the first start to the last end of the launches of a
// trace, taken in the order of index, and that part of it in which none ran.
func TimesOf(t *trace.Trace, index []uint32) (span, gap int64) {
	v, runs := view{seq: &sequence{t: t}}, []timeSpan(nil)
	return v.timesOf(&step{n: len(index), index: &index}, &runs)
}

// SharedTime returns how long each launch of a trace, in the order of index, ran
// beside another one.
func SharedTime(t *trace.Trace, index []uint32) []int64 {
	return sharedTime(&t.Launches, &step{n: len(index), index: &index})
}
