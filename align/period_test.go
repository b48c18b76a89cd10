package align

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sequenceOf returns launches of the given kernels, each of one geometry.
func sequenceOf(names []int32) launchSeq {
	var s launchSeq
	known := map[int32]uint32{}
	for _, name := range names {
		config, ok := known[name]
		if !ok {
			config = uint32(len(s.syms))
			known[name] = config
			s.syms = append(s.syms, symbol{name: name})
		}
		s.configs = append(s.configs, config)
	}
	return s
}

// A sequenceTest is n launches, the first of which are warm-up: the rest are
// steps of several kinds, the launches of which are changed with the
// probability noise.
type sequenceTest struct {
	name      string
	n, warmUp int
	kinds     int
	kernels   int // distinct ones; 0 for no two alike
	noise     float64
	periods   bool // there are some for sure
}

var sequenceTests = []sequenceTest{
	{name: "empty"},
	{name: "one launch", n: 1, kinds: 1, kernels: 1},
	{name: "one kernel", n: 1000, kinds: 1, kernels: 1, periods: true},
	{name: "two steps", n: 200, kinds: 1, kernels: 50, periods: true},
	{name: "short steps", n: 5000, kinds: 1, kernels: 3, periods: true},
	{name: "equal steps", n: 20_000, kinds: 1, kernels: 50, periods: true},
	{name: "changed launches", n: 20_000, kinds: 1, kernels: 50, noise: 0.002, periods: true},
	{name: "two kinds of steps", n: 20_000, kinds: 2, kernels: 200, noise: 0.0005, periods: true},
	{name: "warm-up", n: 20_000, warmUp: 18_000, kinds: 1, kernels: 50, periods: true},
	{name: "noise", n: 20_000, warmUp: 20_000, kinds: 1, kernels: 300},
	{name: "few kernels in any order", n: 20_000, warmUp: 20_000, kinds: 1, kernels: 2},
	{name: "no two alike", n: 20_000, warmUp: 20_000, kinds: 1},
}

// sequence returns the launches of a test.
func (test sequenceTest) sequence(seed uint64) launchSeq {
	rng := rand.New(rand.NewPCG(seed, 0))
	next := int32(0)
	draw := func(n int) []int32 {
		names := make([]int32, n)
		for i := range names {
			names[i], next = next, next+1
			if test.kernels > 0 {
				names[i] = rng.Int32N(int32(test.kernels))
			}
		}
		return names
	}
	names := draw(test.warmUp)
	var kinds [][]int32
	for range test.kinds {
		// Layers, which repeat, between what a step begins and ends with.
		kinds = append(kinds, slices.Concat(draw(7), slices.Repeat(draw(20), 4), draw(4)))
	}
	for len(names) < test.n {
		for _, name := range kinds[rng.IntN(test.kinds)] {
			switch x := rng.Float64() / test.noise; {
			case x < 0.3: // not launched
			case x < 0.6:
				names = append(names, name, name)
			case x < 1:
				names = append(names, draw(1)...)
			default:
				names = append(names, name)
			}
		}
	}
	return sequenceOf(names[:test.n])
}

// TestAnchored holds the anchors that are found by the numbers of windows
// against those found by what the windows hold.
func TestAnchored(t *testing.T) {
	for _, test := range sequenceTests {
		t.Run(test.name, func(t *testing.T) {
			seq := test.sequence(1)
			if diff := cmp.Diff(anchoredByContent(seq), anchored(excerpt{launchSeq: seq}), cmp.AllowUnexported(period{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzAnchored(f *testing.F) {
	f.Add([]byte("abcabcabcabc"))
	f.Add([]byte("aababaababaabab"))
	f.Add([]byte("abcdeabcde"))
	f.Add([]byte("xxxxyabcdabcdabcdabcdabcd"))
	f.Fuzz(func(t *testing.T, data []byte) {
		names := make([]int32, min(len(data), 2000))
		for i := range names {
			names[i] = int32(data[i])
		}
		seq := sequenceOf(names)
		if diff := cmp.Diff(anchoredByContent(seq), anchored(excerpt{launchSeq: seq}), cmp.AllowUnexported(period{})); diff != "" {
			t.Errorf("anchored (-want +got):\n%s", diff)
		}
		length, covered := tailByContent(names[max(0, len(names)-200):])
		tail, ok := tailPeriod(seq.from(max(0, len(names)-200)))
		if n := min(len(names), 200); ok != (covered > 0 && float64(covered) >= minCover*float64(n)) ||
			ok && (tail.length != length || tail.cover != float64(covered)/float64(n)) {
			t.Errorf("tail %v, %t; want length %d that covers %d of %d", tail, ok, length, covered, n)
		}
	})
}

// anchoredByContent is [anchored] as it is meant, at a hundred times the cost.
func anchoredByContent(seq launchSeq) []period {
	var found []period
	for length := 1; length <= maxWindow && 2*length <= seq.len(); length *= 2 {
		places := map[[maxWindow]uint32][]int{}
		var windows [][maxWindow]uint32 // in order of first occurrence
		for i := range seq.len() - length + 1 {
			var w [maxWindow]uint32
			copy(w[:], seq.configs[i:i+length])
			if places[w] == nil {
				windows = append(windows, w)
			}
			places[w] = append(places[w], i)
		}
		var best []period // of this length
		for _, w := range windows {
			at := places[w]
			if len(at) < minAnchors {
				continue
			}
			var gaps []int
			for k := range at[1:] {
				gaps = append(gaps, at[k+1]-at[k])
			}
			slices.Sort(gaps)
			p := period{length: gaps[len(gaps)/2], anchor: seq.anchor(at[0], length)}
			regular := 0
			for _, g := range gaps {
				if near(g, p.length) {
					regular++
				}
			}
			p.cover = min(1, float64((regular+1)*p.length)/float64(seq.len()))
			if float64(regular) >= minRegular*float64(len(gaps)) && p.cover >= minCover {
				best = addPeriod(best, p, 0)
			}
		}
		for _, p := range best {
			found = addPeriod(found, p, 0.02)
		}
	}
	return found
}

// addPeriod adds a period, in place of one of like length if it covers more.
func addPeriod(found []period, p period, more float64) []period {
	at := slices.IndexFunc(found, func(f period) bool { return near(f.length, p.length) })
	switch {
	case at < 0:
		return append(found, p)
	case p.cover > found[at].cover+more:
		found[at] = p
	}
	return found
}

// tailByContent returns the period of the longest end of names that is at least
// two periods long, and how long that end is.
func tailByContent(names []int32) (length, covered int) {
	for p := 1; p <= len(names)/2; p++ {
		n := p
		for n < len(names) && names[len(names)-1-n] == names[len(names)-1-n+p] {
			n++
		}
		if n >= 2*p && n > covered {
			length, covered = p, n
		}
	}
	return length, covered
}

// TestStretches puts the numbers of windows together again from their stretches.
func TestStretches(t *testing.T) {
	for _, test := range sequenceTests {
		seq := test.sequence(3)
		seq = seq.from(max(0, seq.len()-3000))
		for w := windowsOfOne(seq); w.length <= min(4*maxWindow, seq.len()); w = w.twiceAsLong() {
			var want, got []uint32
			numbers := map[string]uint32{}
			for i := range seq.len() - w.length + 1 {
				window := string(seq.anchor(i, w.length)) // names are few enough to be runes
				if _, ok := numbers[window]; !ok {
					numbers[window] = uint32(len(numbers))
				}
				want = append(want, numbers[window])
			}
			for k, s := range w.stretches {
				for i := range s.n {
					got = append(got, s.first+i)
				}
				if s.n == 0 || k > 0 && w.stretches[k-1].first+w.stretches[k-1].n == s.first {
					t.Fatalf("%s, windows of %d: stretch %d, %v, goes on from %v", test.name, w.length, k, s, w.stretches[max(k-1, 0)])
				}
			}
			if !slices.Equal(got, want) || w.distinct != len(numbers) {
				t.Errorf("%s, windows of %d: %d windows that differ from the %d there are, %d distinct instead of %d", test.name, w.length, len(got), len(want), w.distinct, len(numbers))
			}
		}
	}
}

func TestMatches(t *testing.T) {
	p := period{length: 2, anchor: []int32{'a', 'b'}}
	seq := sequenceOf([]int32("abcabaab"))
	for _, test := range []struct {
		within interval
		want   []int
	}{
		{interval{0, 8}, []int{0, 3, 6}},
		{interval{1, 7}, []int{3, 6}}, // the last goes on after the interval
		{interval{1, 6}, []int{3}},
		{interval{7, 8}, []int{}},
	} {
		if diff := cmp.Diff(test.want, p.matches(seq, test.within)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.within, diff)
		}
	}
}

// TestFewestKinds holds the beginning of steps against that for which the steps,
// as they are, are the fewest. Steps of several kinds in irregular order end alike:
// many beginnings are as good as the best.
func TestFewestKinds(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(7))
	const length, alike = 120, 80
	for _, kinds := range []int{1, 2, 4, 20} {
		rng := rand.New(rand.NewPCG(uint64(kinds), 0))
		var names []int32
		for range maxKindSample + 50 {
			kind := rng.Int32N(int32(kinds))
			for i := range int32(length) {
				switch {
				case i == 0 || i >= length-alike:
					names = append(names, i)
				default:
					names = append(names, 1000*kind+i)
				}
			}
			if rng.IntN(50) == 0 {
				names[len(names)-1-rng.IntN(length-1)] = 999
			}
		}
		seq := sequenceOf(names)
		p := period{length: length, anchor: []int32{0}}
		pos := p.positions(seq)
		for _, p.offset = range []int{0, alike + 10, length - 1} {
			if got, want := p.fewestKinds(seq, pos), fewestByContent(seq, p, pos); got != want {
				t.Errorf("%d kinds: from offset %d to %d, want %d", kinds, p.offset, got, want)
			}
		}
		p.offset = alike + 20
		if got := p.fewestKinds(seq, pos); (got != p.offset) != (kinds >= 4) {
			t.Errorf("%d kinds: from offset %d to %d", kinds, p.offset, got)
		}
	}
}

// fewestByContent is fewestKinds by what steps hold.
func fewestByContent(seq launchSeq, p period, pos []int) int {
	pos = pos[max(0, len(pos)-maxKindSample):]
	kinds := func(offset int) int {
		seen := map[string]bool{}
		lost := 0
		for k := range pos[1:] {
			switch from, to := pos[k]-offset, pos[k+1]-offset; {
			case from < 0:
				lost++
			case to-from <= 2*p.length+1:
				seen[string(seq.anchor(from, to-from))] = true // names are few enough to be runes
			}
		}
		return len(seen) + lost
	}
	best, fewest := p.offset, kinds(p.offset)
	if fewest <= 2 {
		return best
	}
	fewest = fewest/2 + 1
	for offset := min(p.length-1, pos[0]); offset >= 0; offset-- {
		if n := kinds(offset); n < fewest {
			best, fewest = offset, n
		}
	}
	return best
}

// TestPeriodProcessors holds the periods found by several processors against
// those that one finds.
func TestPeriodProcessors(t *testing.T) {
	for _, test := range sequenceTests {
		t.Run(test.name, func(t *testing.T) {
			for seed := range uint64(2) {
				seq := test.sequence(seed)
				// Geometry tells steps apart that names do not.
				for i := range seq.syms {
					seq.syms = append(seq.syms, symbol{name: seq.syms[i].name, geom: 1})
				}
				for i := range seq.configs {
					if i%1009 == 0 {
						seq.configs[i] += uint32(len(seq.syms) / 2)
					}
				}
				find := func(processors int) []period {
					defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
					return findPeriods(seq)
				}
				want := find(1)
				if test.periods && len(want) == 0 {
					t.Fatalf("seed %d: no period", seed)
				}
				for _, n := range []int{2, 7} {
					if diff := cmp.Diff(want, find(n), cmp.AllowUnexported(period{})); diff != "" {
						t.Errorf("seed %d: with %d processors (-1 +%d):\n%s", seed, n, n, diff)
					}
				}
			}
		})
	}
}

// TestExcerpt holds the periods that an excerpt shows, where a sequence repeats
// exactly, against those that the whole shows.
func TestExcerpt(t *testing.T) {
	for seed := range uint64(52) {
		rng := rand.New(rand.NewPCG(seed, 0))
		draw := func(n int) []int32 {
			names := make([]int32, n)
			for i := range names {
				names[i] = rng.Int32N(1 + rng.Int32N(60))
			}
			return names
		}
		// A step has layers, and those have parts that repeat.
		layer := slices.Concat(draw(1+rng.IntN(30)), slices.Repeat(draw(1+rng.IntN(9)), 1+rng.IntN(5)), draw(rng.IntN(9)))
		step := slices.Concat(draw(rng.IntN(20)), slices.Repeat(layer, 1+rng.IntN(20)), draw(1+rng.IntN(5)), draw(int(seed/10)*2400))
		from := rng.IntN(len(step))
		n := 2*minExcerpt + rng.IntN(4*minExcerpt)
		longest := minExcerpt / 2
		switch {
		case seed == 0: // as few of the longest steps as there may be
			step, from, n = draw(longest), 0, 2*minExcerpt
		case seed == 40: // the same of more launches
			longest *= 4
			step, from, n = draw(longest), 0, 8*minExcerpt
		case seed > 40:
			longest *= 4
			step = slices.Concat(draw(rng.IntN(20)), slices.Repeat(layer, (longest/2+rng.IntN(longest/2-100))/len(layer)), draw(5))
			from, n = rng.IntN(len(step)), 8*minExcerpt+rng.IntN(4*minExcerpt)
		}
		seq := sequenceOf(slices.Repeat(step, n/len(step)+2)[from : from+n])
		e := seq.excerpt()
		most := max(minExcerpt, 2*len(step)+maxWindow) + len(step)
		if len(step) > longest {
			most = n // it does not repeat in what is looked at first
		}
		if e.len() > most || e.whole() != n {
			t.Errorf("seed %d: %d launches of %d, in steps of %d, are looked at, and %d times %d are left out", seed, e.len(), n, len(step), e.more, e.period)
		}
		whole := excerpt{launchSeq: seq}
		if diff := cmp.Diff(anchored(whole), anchored(e), cmp.AllowUnexported(period{})); diff != "" {
			t.Errorf("seed %d, steps of %d: (-whole +excerpt):\n%s", seed, len(step), diff)
		}
		wholeTail, _ := tailPeriod(seq)
		if tail, _ := tailPeriod(e.launchSeq); !cmp.Equal(tail, wholeTail, cmp.AllowUnexported(period{})) {
			t.Errorf("seed %d: tail %v, want %v", seed, tail, wholeTail)
		}
		// One launch that differs anywhere, and all is looked at.
		at := rng.IntN(n)
		seq.configs[at] = (seq.configs[at] + 1) % uint32(len(seq.syms))
		if e := seq.excerpt(); e.len() != n || e.more != 0 {
			t.Errorf("seed %d: %d launches of %d are looked at, of which launch %d differs", seed, e.len(), n, at)
		}
	}
}
