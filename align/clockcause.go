package align

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// resolvedNS is a difference between short kernels, in nanoseconds, that is neither
// launch overhead nor the granularity of timestamps.
const resolvedNS = 1000

// minClockSites is how many sites that are not short it takes to tell a clock.
const minClockSites = 3

// clockCause looks for one factor that all sites share, of unchanged work.
func (c *comparer) clockCause(r *Result, all []scaling) bool {
	var logs []float64
	var sites []int
	var short []scaling
	for _, s := range all {
		if s.blocks != 0 && s.blocks != 1 {
			return false
		}
		if s.short() {
			short = append(short, s)
			continue
		}
		logs = append(logs, math.Log(s.ratio))
		sites = append(sites, s.site.Index)
	}
	mid := median(slices.Clone(logs))
	if math.Abs(mid) < c.noticed() {
		return false
	}
	for _, l := range logs {
		if math.Abs(l-mid) > max(0.25*math.Abs(mid), 0.03) {
			return false
		}
	}
	f := math.Exp(mid)
	for _, s := range short {
		lesser := min(s.site.Mock.MedianNS, s.site.E2E.MedianNS)
		if math.Log(s.ratio)/mid < 0.5 && lesser*(apart(f, 1)-1) > resolvedNS {
			return false // it takes about as long on both sides, and would not
		}
	}
	slow, fast := c.words("mock", "base"), c.words("E2E", "new run")
	if f < 1 {
		slow, fast = fast, slow
	}
	cause := Cause{Code: CauseClock, Factor: c.shown(f), Sites: sites}
	gpus := fmt.Sprintf("GPUs: %s against %s", orUnknown(r.Mock.GPUs), orUnknown(r.E2E.GPUs))
	least, most := c.shown(math.Exp(slices.Min(logs))), c.shown(math.Exp(slices.Max(logs)))
	cause.Evidence = []string{
		fmt.Sprintf("%s differ by %.3g to %.3g, with equal launch geometry", count(len(sites), "site"), min(least, most), max(least, most)),
		gpus,
	}
	if slices.Equal(r.Mock.GPUs, r.E2E.GPUs) {
		cause.Message = fmt.Sprintf("all kernels of the %s take %.3g times as long, whatever they do: it ran at a lower clock (power cap, heat, other load)", slow, apart(f, 1))
		cause.Fix = "record both at the same clocks: nvidia-smi -lgc, an idle GPU, and the same power limit"
	} else {
		cause.Message = fmt.Sprintf("all kernels of the %s take %.3g times as long as those of the %s, and they ran on different GPUs", slow, apart(f, 1), fast)
		cause.Fix = "record both on the same kind of GPU"
	}
	r.Causes = append(r.Causes, cause)
	return true
}

// short reports whether a kernel is one of which launch overhead and the granularity of
// timers are a part.
func (s *scaling) short() bool { return s.site.Mock.MedianNS < 5000 }

// noticed is the logarithm of the factor from which on one that all sites share is
// a cause.
func (c *comparer) noticed() float64 {
	if c.o.Regression {
		return 0.02
	}
	return 0.1
}

func orUnknown(gpus []string) string {
	if len(gpus) == 0 {
		return "unknown"
	}
	return strings.Join(gpus, ", ")
}
