package render

import (
	"fmt"
	"math"
	"strings"

	"github.com/nsysdiff/nsysdiff/align"
)

// A nameTable holds each full name once, since names are long and many sites share
// them, and what it is shown as.
type nameTable struct {
	full  []string
	ids   map[string]int
	shown map[string]string // by the name before it is cleaned
}

func newNameTable() *nameTable { return &nameTable{ids: map[string]int{}} }

func (t *nameTable) id(name string) int {
	id, ok := t.ids[name]
	if !ok {
		id = len(t.full)
		t.ids[name] = id
		t.full = append(t.full, name)
	}
	return id
}

// fit says what names are shown as, in at most n columns.
func (t *nameTable) fit(names []string, n int) {
	t.shown = make(map[string]string, len(names))
	clean := make([]string, len(names))
	for i, name := range names {
		clean[i] = Clean(name)
	}
	for i, short := range fitNames(clean, n) {
		t.shown[names[i]] = short
	}
}

// maxTitle is how much of a name a tool tip shows, in columns.
const maxTitle = 240

// name returns one of the names that were fitted.
func (t *nameTable) name(name string) htmlName {
	full := Clean(name)
	n := htmlName{Short: t.shown[name], Full: t.id(full)}
	if n.Short != full {
		n.Title = cutMiddle(full, maxTitle)
	}
	return n
}

// An htmlData is what the script of the page draws: as short as it can be,
// since it may hold thousands of sites. Times are nanoseconds. Lists named d…
// hold differences to the value before.
type htmlData struct {
	Mode  string     `json:"mode"`
	Sides [2]string  `json:"sides"`
	Max   float64    `json:"max"` // ratio
	Names []string   `json:"names"`
	Short []string   `json:"short"` // what people call them
	Paths [][]string `json:"paths"` // of NVTX ranges
	Sites []dataSite `json:"sites"` // by Site.Index
	Mock  *dataStep  `json:"mock,omitempty"`
	E2E   *dataStep  `json:"e2e,omitempty"`

	// Sites is empty until sites makes them, some at a time: they are nearly all
	// that the page holds.
	r   *align.Result
	ids []siteIDs // of the result's sites
}

// siteIDs are the numbers that a site refers to others by, or -1.
type siteIDs struct{ mock, e2e, path int }

type dataSite struct {
	Mock   int      `json:"m"` // index into Names, or -1
	E2E    int      `json:"e"`
	ID     string   `json:"v"`
	Class  string   `json:"c"`
	Sign   string   `json:"g"`
	Word   string   `json:"w"`
	Reason string   `json:"why,omitempty"`
	Ratio  *float64 `json:"r,omitempty"`
	Lo     *float64 `json:"lo,omitempty"`
	Hi     *float64 `json:"hi,omitempty"`
	Share  float64  `json:"s"`
	Path   int      `json:"p"` // index into Paths, or -1
	Facts  []string `json:"f,omitempty"`

	MockSample *dataSample `json:"ms,omitempty"`
	E2ESample  *dataSample `json:"es,omitempty"`
}

type dataSample struct {
	N      int       `json:"n"`
	Stats  []float64 `json:"t"` // median, its interval, mean, stddev, min, p5, p95, max
	Steps  []float64 `json:"d,omitempty"`
	Values []float64 `json:"dv,omitempty"`
	Launch string    `json:"l,omitempty"` // geometry
}

type dataStep struct {
	Span        int64    `json:"span"`
	Occurrences int      `json:"occ"`
	Left        int      `json:"left,omitempty"`
	Names       []string `json:"names,omitempty"`
	// Launches holds four numbers for each: site, or -1-name; occurrence;
	// start less the start before; duration.
	Launches []int64 `json:"x"`
}

// dataBudget is how many values and steps the page holds in all.
const dataBudget = 400_000

func newHTMLData(r *align.Result, names *nameTable) htmlData {
	d := htmlData{Mode: Clean(string(r.Mode)), Max: r.Limits.MaxRatio, Sites: []dataSite{}, r: r, ids: make([]siteIDs, len(r.Sites))}
	d.Sides[0], d.Sides[1] = sideNames(r)
	paths := map[string]int{}
	for i := range r.Sites {
		s := &r.Sites[i]
		x := siteIDs{-1, -1, -1}
		if s.MockName != "" {
			x.mock = names.id(Clean(s.MockName))
		}
		if s.E2EName != "" {
			x.e2e = names.id(Clean(s.E2EName))
		}
		if len(s.NVTX) > 0 {
			key := strings.Join(s.NVTX, "\x00")
			id, ok := paths[key]
			if !ok {
				id = len(d.Paths)
				paths[key] = id
				var clean []string
				for _, n := range s.NVTX {
					clean = append(clean, Clean(n))
				}
				d.Paths = append(d.Paths, clean)
			}
			x.path = id
		}
		d.ids[i] = x
	}
	d.Mock = newDataStep(r.Mock)
	if r.E2E != nil {
		d.E2E = newDataStep(r.E2E)
	}
	d.Names = names.full
	d.Short = shortNames(names.full, siteNameWidth)
	return d
}

// sites returns some of Sites.
func (d *htmlData) sites(from, to int) []dataSite {
	r := d.r
	most := max(dataBudget/max(4*len(r.Sites), 1), 16)
	list := make([]dataSite, 0, to-from)
	for i := from; i < to; i++ {
		s := &r.Sites[i]
		m := siteMark(r, s.Verdict)
		list = append(list, dataSite{
			Mock: d.ids[i].mock, E2E: d.ids[i].e2e, ID: Clean(string(s.Verdict)), Class: markOf(m, "").Class, Sign: m.text(), Word: Clean(verdictWord(r, s.Verdict)),
			Reason: Clean(s.Reason), Ratio: rounded(s.Ratio), Lo: rounded(s.RatioLo), Hi: rounded(s.RatioHi),
			Share: significant(siteShare(s)), Path: d.ids[i].path, Facts: siteFacts(r, s),
			MockSample: newDataSample(s.Mock, s.MockLaunch, most), E2ESample: newDataSample(s.E2E, s.E2ELaunch, most),
		})
	}
	return list
}

// siteFacts returns what is told of a site only where it is chosen.
func siteFacts(r *align.Result, s *align.Site) []string {
	var facts []string
	add := func(format string, args ...any) { facts = append(facts, Clean(fmt.Sprintf(format, args...))) }
	if in := sitePresence(r, s); in != "" {
		add("%s", in)
	}
	if s.ScaledRatio != nil {
		add("ratio %s after dividing by the tensor parallelism", ratio(*s.ScaledRatio))
	}
	if s.P != nil {
		add("rank test on the medians of the steps: p = %.2g", *s.P)
	}
	if s.Noise != nil {
		add("noise: a ratio within %s of 1 cannot be told from 1", percent(*s.Noise-1))
	}
	if o := max(s.MockOverlap, s.E2EOverlap); o > 0.005 {
		mock, e2e := sideNames(r)
		add("beside other kernels for part of its time: %s in the %s, %s in the %s", percent(s.MockOverlap), mock, percent(s.E2EOverlap), e2e)
	}
	if x := s.Ranks; x != nil {
		unit := scaleFor(x.MinNS, x.MaxNS)
		add("%s: medians from %s to %s, slowest %s", count(x.N, "rank", "ranks"), unit.time(x.MinNS), unit.time(x.MaxNS), x.Slowest)
	}
	if x := s.Collective; x != nil {
		add("%s: transfer %s, waiting %s, last to come %s", count(x.Calls, "call", "calls"), duration(x.TransferNS), duration(x.WaitNS), x.Last)
	}
	return facts
}

func newDataSample(s *align.Sample, g *align.Geometry, most int) *dataSample {
	if s == nil {
		return nil
	}
	d := &dataSample{N: s.N, Stats: make([]float64, 0, 9)}
	for _, x := range []float64{s.MedianNS, s.LoNS, s.HiNS, s.MeanNS, s.StddevNS, float64(s.MinNS), s.P5NS, s.P95NS, float64(s.MaxNS)} {
		d.Stats = append(d.Stats, significant(x))
	}
	values := make([]float64, len(s.Values))
	for i, v := range s.Values {
		values[i] = float64(v)
	}
	d.Steps, d.Values = differences(s.Steps, most), differences(values, most)
	if g != nil {
		d.Launch = fmt.Sprintf("grid %d×%d×%d, block %d×%d×%d, %s of shared memory, %s a thread",
			g.Grid[0], g.Grid[1], g.Grid[2], g.Block[0], g.Block[1], g.Block[2],
			count(int64(g.SMem), "byte", "bytes"), count(int64(g.Regs), "register", "registers"))
		if g.Varies {
			d.Launch += "; launches differ, this is the most frequent"
		}
	}
	return d
}

// differences returns at most n of values, evenly spread, as differences in
// whole nanoseconds.
func differences(values []float64, n int) []float64 {
	if len(values) == 0 {
		return nil
	}
	n = min(n, len(values))
	out := make([]float64, n)
	last := 0.0
	for i := range out {
		k := 0
		if n > 1 {
			k = i * (len(values) - 1) / (n - 1)
		}
		v := math.Round(values[k])
		out[i] = v - last
		last = v
	}
	return out
}

func newDataStep(s *align.Side) *dataStep {
	t := s.Timeline
	if t == nil {
		return nil
	}
	d := &dataStep{Span: t.SpanNS, Occurrences: t.Occurrences, Left: t.LeftOut}
	names := newNameTable()
	last := int64(0)
	for _, x := range t.Launches {
		site := int64(x.Site)
		if x.Site < 0 {
			site = int64(-1 - names.id(Clean(x.Name)))
		}
		d.Launches = append(d.Launches, site, int64(x.Occurrence), x.StartNS-last, x.DurationNS)
		last = x.StartNS
	}
	d.Names = shortNames(names.full, siteNameWidth)
	return d
}

// significant rounds to six significant digits, which no drawing exceeds.
func significant(x float64) float64 {
	if x == 0 {
		return 0
	}
	scale := math.Pow(10, 5-math.Floor(math.Log10(math.Abs(x))))
	if y := math.Round(x*scale) / scale; !math.IsInf(y, 0) && !math.IsNaN(y) {
		return y
	}
	return x
}

func rounded(x *float64) *float64 {
	if x == nil {
		return nil
	}
	y := significant(*x)
	return &y
}
