package trace

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// An EmptyScopeError says that a scope leaves no launch of a report, and what
// there is to choose from.
type EmptyScopeError struct {
	Path    string
	Scope   Scope
	Choices Choices
}

func (e *EmptyScopeError) Error() string { return e.Path + ": the scope leaves no launches" }

// Hint returns, on one line, what there is to choose from under the conditions
// that the scope sets.
func (e *EmptyScopeError) Hint() string {
	s, c := &e.Scope, &e.Choices
	var parts []string
	add := func(set bool, what, none string, choices []Choice) {
		if !set {
			return
		}
		if len(choices) == 0 {
			parts = append(parts, none)
			return
		}
		words := make([]string, len(choices))
		for i, x := range choices {
			words[i] = fmt.Sprintf("%s (%s)", x.Name, thousands(x.N))
		}
		parts = append(parts, what+": "+strings.Join(words, ", "))
	}
	add(len(s.NVTX) > 0, "NVTX ranges", "the report holds no NVTX ranges (record with -t cuda,nvtx)", c.Ranges)
	add(len(s.PIDs) > 0, "processes", "no processes", c.PIDs)
	add(len(s.Devices) > 0, "devices", "no devices", c.Devices)
	add(len(s.Streams) > 0, "streams", "no streams", c.Streams)
	byName, shown := s.Kernel != nil || s.Exclude != nil, c.Kernels[:min(len(c.Kernels), 5)] // the names are long
	add(byName, "kernels", "no kernels", shown)
	if more := c.KernelNames - len(shown); byName && more > 0 {
		parts[len(parts)-1] += fmt.Sprintf(" and %s more", thousands(int64(more)))
	}
	if s.From != nil || s.To != nil {
		parts = append(parts, fmt.Sprintf("launches start between %.3f s and %.3f s", float64(c.First)/1e9, float64(c.Last)/1e9))
	}
	return strings.Join(parts, "; ")
}

// Choices is what the launches of a report are, for those who choose among
// them. Lists hold the most frequent first, at most MaxChoices of them.
type Choices struct {
	Ranges      []Choice // names of NVTX ranges, digits as "*", so that they are patterns, by number of ranges
	Kernels     []Choice // demangled names, by number of launches
	PIDs        []Choice
	Devices     []Choice
	Streams     []Choice
	KernelNames int   // how many demangled names there are, those beyond Kernels too
	First, Last int64 // least and greatest start of a launch, ns since the start of the capture
}

// A Choice is a name and how often it occurs.
type Choice struct {
	Name string
	N    int64
}

// MaxChoices is the length of the lists of [Choices].
const MaxChoices = 12

// A ChoiceCounter counts what there is to choose from.
type ChoiceCounter struct {
	ranges, kernels        map[string]int64
	pids, devices, streams map[int]int64
	first, last            int64
	any                    bool
}

// Launches counts n launches of a kernel.
func (c *ChoiceCounter) Launches(name string, lane Lane, n int64) {
	if c.kernels == nil {
		c.kernels, c.pids, c.devices, c.streams = map[string]int64{}, map[int]int64{}, map[int]int64{}, map[int]int64{}
	}
	c.kernels[name] += n
	c.pids[lane.PID] += n
	c.devices[lane.Device] += n
	c.streams[lane.Stream] += n
}

// Start notes that a launch started at t, ns since the start of the capture.
func (c *ChoiceCounter) Start(t int64) {
	if !c.any || t < c.first {
		c.first = t
	}
	if !c.any || t > c.last {
		c.last = t
	}
	c.any = true
}

// Range counts a range.
func (c *ChoiceCounter) Range(name string) {
	if c.ranges == nil {
		c.ranges = map[string]int64{}
	}
	c.ranges[digitsHidden(name)]++
}

// Choices returns what was counted.
func (c *ChoiceCounter) Choices() Choices {
	return Choices{
		Ranges: mostFrequent(c.ranges, func(s string) string { return s }), Kernels: mostFrequent(c.kernels, func(s string) string { return s }),
		KernelNames: len(c.kernels),
		PIDs:        mostFrequent(c.pids, strconv.Itoa), Devices: mostFrequent(c.devices, strconv.Itoa), Streams: mostFrequent(c.streams, strconv.Itoa),
		First: c.first, Last: c.last,
	}
}

func mostFrequent[K cmp.Ordered](counts map[K]int64, name func(K) string) []Choice {
	keys := make([]K, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b K) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	choices := make([]Choice, 0, MaxChoices)
	for _, k := range keys[:min(len(keys), MaxChoices)] {
		choices = append(choices, Choice{Name: name(k), N: counts[k]})
	}
	return choices
}

// digitsHidden writes each run of digits as "*", so that the ranges "layer 0"
// to "layer 60" are one choice, and a pattern that names them all.
func digitsHidden(s string) string {
	var b strings.Builder
	inDigits := false
	for i := range len(s) {
		digit := '0' <= s[i] && s[i] <= '9'
		if !digit {
			b.WriteByte(s[i])
		} else if !inDigits {
			b.WriteByte('*')
		}
		inDigits = digit
	}
	return b.String()
}

// empty returns the error for a scope that leaves nothing of t.
func (s *Scope) empty(t *Trace) error {
	var c ChoiceCounter
	n := make([]int64, len(t.Configs))
	for i, k := range t.Launches.Config {
		n[k]++
		c.Start(t.Launches.Start[i] - t.Capture.Start)
	}
	for i, n := range n {
		if n > 0 {
			k := &t.Configs[i]
			c.Launches(t.Strings[k.Name], t.Lanes[k.Lane], n)
		}
	}
	for i := range t.Ranges {
		c.Range(t.Strings[t.Ranges[i].Name])
	}
	return &EmptyScopeError{Path: t.Capture.Path, Scope: *s, Choices: c.Choices()}
}
