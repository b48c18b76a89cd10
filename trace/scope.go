package trace

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Scope says which launches of a report take part. The zero value lets
// every launch through. A launch must satisfy all that is set.
type Scope struct {
	// NVTX lets through the launches with a range around them that matches
	// any of the patterns, at any depth. For a launch replayed from a CUDA
	// graph the ranges around the capture of its node count as well as those
	// around the graph launch.
	NVTX []Pattern

	Kernel  *regexp.Regexp // matched against demangled names; nil for all
	Exclude *regexp.Regexp // names left out; nil for none

	Devices, PIDs, Streams []int // empty for all

	// From and To bound the start of a launch, From ≤ start < To, as time
	// since the start of the capture (Capture.Start).
	From, To *time.Duration
}

// A Pattern matches names, of NVTX ranges or of kernels.
type Pattern struct {
	text string
	re   *regexp.Regexp // nil for an exact name
}

// ParsePattern returns the pattern that s denotes: a regular expression (RE2,
// not anchored) where it stands between slashes, a glob where it holds * (any
// text) or ? (any one character), and an exact name otherwise. Digits mean
// themselves: "layer 1" does not match a range "layer 12".
func ParsePattern(s string) (Pattern, error) {
	switch {
	case s == "":
		return Pattern{}, errors.New("empty pattern")
	case len(s) > 2 && s[0] == '/' && s[len(s)-1] == '/':
		re, err := regexp.Compile(s[1 : len(s)-1])
		if err != nil {
			return Pattern{}, err
		}
		return Pattern{text: s, re: re}, nil
	case strings.ContainsAny(s, "*?"):
		var b strings.Builder
		b.WriteString(`(?s)\A`)
		for _, r := range s {
			switch r {
			case '*':
				b.WriteString(".*")
			case '?':
				b.WriteString(".")
			default:
				b.WriteString(regexp.QuoteMeta(string(r)))
			}
		}
		b.WriteString(`\z`)
		re, err := regexp.Compile(b.String())
		if err != nil {
			return Pattern{}, err
		}
		return Pattern{text: s, re: re}, nil
	}
	return Pattern{text: s}, nil
}

// String returns the text that the pattern was parsed from.
func (p Pattern) String() string { return p.text }

// Match reports whether the pattern matches a name. The zero Pattern matches
// nothing.
func (p Pattern) Match(name string) bool {
	if p.re != nil {
		return p.re.MatchString(name)
	}
	return p.text != "" && p.text == name
}

// A Condition is one of those that a launch must satisfy to be in a scope.
type Condition uint8

// The conditions, in the order in which they are looked at. Satisfied stands
// for all of them.
const (
	Satisfied Condition = iota
	ByPID
	ByDevice
	ByStream
	ByKernel
	ByExclude
	ByTime
	ByNVTX
	NumConditions
)

// LeftOut returns a phrase that says that the scope left out n launches by
// condition c, such as "4,000 launches outside NVTX range \"forward *\"".
func (s *Scope) LeftOut(c Condition, n int64) string {
	what := ""
	switch c {
	case ByPID:
		what = "of processes other than " + list(s.PIDs)
	case ByDevice:
		what = "on devices other than " + list(s.Devices)
	case ByStream:
		what = "on streams other than " + list(s.Streams)
	case ByKernel:
		what = fmt.Sprintf("of kernels that do not match %q", s.Kernel)
	case ByExclude:
		what = fmt.Sprintf("of kernels that match %q", s.Exclude)
	case ByTime:
		what = "outside the time window"
	case ByNVTX:
		quoted := make([]string, len(s.NVTX))
		for i, p := range s.NVTX {
			quoted[i] = strconv.Quote(p.String())
		}
		what = "outside NVTX range " + strings.Join(quoted, " or ")
	}
	if n == 1 {
		return "1 launch " + what
	}
	return thousands(n) + " launches " + what
}

func list(numbers []int) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ", ")
}

// thousands formats n with commas.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Lane returns the condition on its lane that a launch fails, Satisfied if
// none.
func (s *Scope) Lane(pid, device, stream int) Condition {
	switch {
	case len(s.PIDs) > 0 && !slices.Contains(s.PIDs, pid):
		return ByPID
	case len(s.Devices) > 0 && !slices.Contains(s.Devices, device):
		return ByDevice
	case len(s.Streams) > 0 && !slices.Contains(s.Streams, stream):
		return ByStream
	}
	return Satisfied
}

// Name returns the condition on its name that a launch fails, Satisfied if
// none.
func (s *Scope) Name(name string) Condition {
	switch {
	case s.Kernel != nil && !s.Kernel.MatchString(name):
		return ByKernel
	case s.Exclude != nil && s.Exclude.MatchString(name):
		return ByExclude
	}
	return Satisfied
}

// Window returns the bounds of a launch's start, lo ≤ start < hi, on the clock
// of a capture.
func (s *Scope) Window(c *Capture) (lo, hi int64) {
	lo, hi = math.MinInt64, math.MaxInt64
	if s.From != nil {
		lo = c.Start + s.From.Nanoseconds()
	}
	if s.To != nil {
		hi = c.Start + s.To.Nanoseconds()
	}
	return lo, hi
}

// Apply drops from t the launches that the scope leaves out, and says so in
// t.LeftOut. The readers of package nsysdb apply the scope themselves; this is
// for traces from elsewhere.
//
// If launches there were and none is left, the error is an [*EmptyScopeError]
// and t is as it was.
func (s *Scope) Apply(t *Trace) error {
	config := make([]Condition, len(t.Configs))
	for i := range t.Configs {
		c := &t.Configs[i]
		lane := &t.Lanes[c.Lane]
		if config[i] = s.Lane(lane.PID, lane.Device, lane.Stream); config[i] == Satisfied {
			config[i] = s.Name(t.Strings[c.Name])
		}
	}
	inRange := s.rangesIn(t)
	matches := func(r uint32) bool { return r != None && inRange[r] }
	lo, hi := s.Window(&t.Capture)
	judge := func(i int) Condition {
		if c := config[t.Launches.Config[i]]; c != Satisfied {
			return c
		}
		if start := t.Launches.Start[i]; start < lo || start >= hi {
			return ByTime
		}
		if len(s.NVTX) > 0 && !matches(t.IssueRange(i)) && !matches(t.CaptureRange(i)) {
			return ByNVTX
		}
		return Satisfied
	}

	var counts [NumConditions]int64
	for i := range t.Launches.Len() {
		counts[judge(i)]++
	}
	n := int64(t.Launches.Len())
	switch {
	case counts[Satisfied] == n:
		return nil
	case counts[Satisfied] == 0:
		return s.empty(t)
	}
	of := ""
	if t.Reduced != nil {
		t.narrow(s, func(i int) bool { return judge(i) == Satisfied })
		of = ", of those in the summary"
	} else {
		t.Launches.Compact(func(i int) bool { return judge(i) == Satisfied })
		t.MakeTracks()
	}
	for c, n := range counts {
		if c := Condition(c); c != Satisfied && n > 0 {
			t.LeftOut = append(t.LeftOut, s.LeftOut(c, n)+of)
		}
	}
	return nil
}

// rangesIn tells which ranges match s.NVTX or lie within one that does.
func (s *Scope) rangesIn(t *Trace) []bool {
	if len(s.NVTX) == 0 {
		return nil
	}
	byName := make([]int8, len(t.Strings)) // 1 matches, -1 does not, 0 was not looked at
	in := make([]bool, len(t.Ranges))
	for i := range t.Ranges {
		r := &t.Ranges[i]
		if byName[r.Name] == 0 {
			byName[r.Name] = -1
			if slices.ContainsFunc(s.NVTX, func(p Pattern) bool { return p.Match(t.Strings[r.Name]) }) {
				byName[r.Name] = 1
			}
		}
		// A parent begins no later than its children and so comes first.
		in[i] = byName[r.Name] == 1 || r.Parent != None && in[r.Parent]
	}
	return in
}
