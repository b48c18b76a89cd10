package align_test

import (
	"regexp"
	"slices"

	"github.com/nsysdiff/nsysdiff/trace"
)

// stepRange matches the ranges that the recorded programs open around each
// step but those of the warm-up.
var stepRange = regexp.MustCompile(`^(forward \d+|\[Executor\] _forward_step .*)$`)

// copyOf returns a trace like t that may be changed, of the launches that keep
// lets through; nil keeps all.
func copyOf(t *trace.Trace, keep func(i int) bool) *trace.Trace {
	c := *t
	c.Configs = slices.Clone(t.Configs)
	c.Strings = slices.Clone(t.Strings)
	c.Lanes = slices.Clone(t.Lanes)
	c.Tracks = nil
	c.Launches = trace.Launches{}
	l := &t.Launches
	for i := range l.Len() {
		if keep == nil || keep(i) {
			c.Launches.Append(l.Start[i], l.Duration(i), l.Config[i], l.Origin[i])
		}
	}
	c.MakeTracks()
	return &c
}

// stepOf returns, for each launch, the number of the step that it was issued
// in, counting from 0 over the whole trace in the order of the steps' start,
// or -1 for what is in none; and how many steps there are.
func stepOf(t *trace.Trace) (steps []int, n int) {
	number := map[uint32]int{}
	steps = make([]int, t.Launches.Len())
	for i := range steps {
		steps[i] = -1
		for r := range t.Enclosing(t.IssueRange(i)) {
			if stepRange.MatchString(t.Strings[t.Ranges[r].Name]) {
				if _, ok := number[r]; !ok {
					number[r] = len(number)
				}
				steps[i] = number[r]
			}
		}
	}
	return steps, len(number)
}

// stepsOnly returns a copy of the steps for which keep is true, without what
// is outside of steps.
func stepsOnly(t *trace.Trace, keep func(step, n int) bool) *trace.Trace {
	steps, n := stepOf(t)
	return copyOf(t, func(i int) bool { return steps[i] >= 0 && keep(steps[i], n) })
}
