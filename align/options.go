package align

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"time"
)

// Options say how to compare. The zero value is the documented default.
type Options struct {
	// Regression compares two runs of one program, whole and symmetric,
	// instead of looking for a mock inside a model.
	Regression bool

	// MaxRatio is how far apart two medians may be, either way, from 1: 2 if
	// 0, and 1.05 with Regression.
	MaxRatio float64
	// MinTime is the difference of medians below which a ratio is not
	// judged, since timers and clocks differ by as much: 3 µs if 0, and
	// 500 ns with Regression. Negative means none.
	MinTime time.Duration
	// MinSamples is the number of launches of a site below which it is
	// undecided: 3 if 0.
	MinSamples int

	// TP is the tensor parallelism of the E2E, if the caller knows it.
	TP int
	// ScaleTP judges an unsharded mock: its per-head sites after dividing
	// by TP, or, where TP is 0, by the number of ranks that launch alike.
	ScaleTP bool

	// ScopedE2E says that the E2E trace was narrowed to an NVTX range. Where
	// each such range holds the mock once, it is the operation's, and every
	// launch of it counts as inside an occurrence, also at its edges.
	ScopedE2E bool

	// NoNVTX tells steps and modules without NVTX ranges.
	NoNVTX bool
	// SkipWarmup drops that many further steps at the start of each track.
	SkipWarmup int

	// Kernels bounds some kernels otherwise than MaxRatio and MinTime do.
	Kernels []KernelLimit
	// Accept names differences that are known and accepted.
	Accept []Acceptance

	// Aliases are names to be treated as equal.
	Aliases []Alias
	// Ignore names kernels that are listed and not judged; nil for none.
	Ignore *regexp.Regexp
	// JudgeCommunication judges collectives like other kernels.
	JudgeCommunication bool

	// MemOps adds the table of memory operations to the result.
	MemOps bool
	// By chooses what Result.Kernels is grouped by.
	// ByName if empty.
	By Grouping
	// NoFamilies lets Report leave KernelRow.Family empty: to tell families is a
	// large part of making the table of a small report.
	NoFamilies bool
	// Launches lists each site's launches in the result.
	Launches bool
	// Plots adds what a page needs to draw: Sample.Values of the sites and
	// Side.Timeline.
	Plots bool
}

// An Alias says that a kernel of the mock and one of the E2E are the same.
type Alias struct {
	Mock, E2E *regexp.Regexp // matched against the whole demangled name
}

// A Grouping is what a table of kernels has a row for.
type Grouping string

// The groupings; the zero value is ByName.
const (
	ByName   Grouping = "name"
	ByFamily Grouping = "family"
	ByShort  Grouping = "short"
	ByGrid   Grouping = "name+grid"
)

// check returns what is out of range in the options: a comparison under it would
// tell nothing, and a result with it may not be JSON.
func (o *Options) check() error {
	if !isRatio(o.MaxRatio) {
		return fmt.Errorf("align: MaxRatio %v is not a number from 1", o.MaxRatio)
	}
	for _, n := range []struct {
		name string
		n    int
	}{{"MinSamples", o.MinSamples}, {"TP", o.TP}, {"SkipWarmup", o.SkipWarmup}} {
		if n.n < 0 {
			return fmt.Errorf("align: %s %d is negative", n.name, n.n)
		}
	}
	for i, l := range o.Kernels {
		if !isRatio(l.MaxRatio) {
			return fmt.Errorf("align: MaxRatio %v of Kernels[%d] is not a number from 1", l.MaxRatio, i)
		}
	}
	for i, a := range o.Accept {
		for _, code := range a.Codes {
			if !slices.Contains(AcceptableCodes(), code) {
				return fmt.Errorf("align: code %q of Accept[%d] is not one that can be accepted", code, i)
			}
		}
	}
	for i, a := range o.Aliases {
		if a.Mock == nil || a.E2E == nil {
			return fmt.Errorf("align: Aliases[%d] lacks a regular expression", i)
		}
	}
	switch o.By {
	case "", ByName, ByFamily, ByShort, ByGrid:
		return nil
	}
	return fmt.Errorf("align: By %q is no grouping", o.By)
}

// isRatio reports whether r can be a bound of ratios, or 0, for the default.
func isRatio(r float64) bool { return r == 0 || r >= 1 && !math.IsInf(r, 1) }
