package render

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/nsysdiff/nsysdiff/align"
)

// An htmlPage is what the template of the page shows, in words. All text in
// it is clean.
type htmlPage struct {
	Title   string
	Mode    align.Mode
	Version string
	Mock    string // what the sides are called
	E2E     string
	Ratio   string // what is divided by what
	Reports []htmlReport

	Verdict  htmlMark
	About    string // what a verdict means
	Counts   []htmlCount
	Checks   []htmlCheck
	Causes   []htmlCause
	Findings []htmlFindings
	Steps    []htmlSteps

	Sites  []*align.Site
	Beside []htmlNeighbour
	Tables []htmlTable
	Facts  []htmlFact
	Tracks []htmlTrack
	Notes  []htmlNotes
	// RanksLeft says which ranks are not among the tracks.
	RanksLeft []string
	Names     []string // in full; the others are short and refer to them

	Command string
	Limits  []string
	Drawn   bool // there is a typical step to draw

	r        *align.Result
	rowNames []siteNames // of Sites
	data     htmlData
}

// An htmlMark is an answer with the sign and the class of its colour.
type htmlMark struct{ Sign, Class, Word string }

func markOf(m mark, word string) htmlMark {
	return htmlMark{m.text(), [...]string{good: "good", bad: "bad", unsure: "unsure", aside: "aside"}[m], word}
}

type htmlReport struct{ Side, File, Path string }

type htmlCount struct {
	htmlMark
	ID string // of the verdict
	N  string
}

type htmlCheck struct {
	htmlMark
	Title, Detail string
}

type htmlCause struct {
	Title, Message, Fix string
	Evidence            []string
	Findings            []htmlFinding
}

type htmlFindings struct {
	Title string
	List  []htmlFinding
}

type htmlFinding struct {
	htmlMark
	Code, Message, Hint string
	Sites               []int
	More                int // sites left out of the list
}

type htmlSteps struct {
	Title string // of one kind of several
	Ratio string
	Runs  []htmlRun
	Parts []htmlPart
}

type htmlRun struct {
	Name, Step, Kernels, Gaps string
	KernelShare, GapShare     float64 // of the longer step, per cent
}

type htmlPart struct{ What, Time string }

// An htmlName is a short name and the number of the full one.
type htmlName struct {
	Short, Title string
	Full         int
}

type htmlSite struct {
	Index         int
	ID            string // of the verdict
	Verdict       htmlMark
	Name          htmlName
	Other         *htmlName // the E2E's name, if it is another
	Module, Kind  string
	Mock, E2E     string
	MockNS, E2ENS float64
	Ratio         string
	RatioKey      float64
	Interval      string
	Lo, Mid, Hi   float64 // on the scale of the bar, per cent
	HasRatio      bool
	Share         string
	ShareKey      float64
	Reason        string
	Present       string
}

type htmlNeighbour struct {
	Where, Median, Share string
	MedianNS, ShareKey   float64
	Name                 htmlName
}

// An htmlTable is a table by name, of one side or both.
type htmlTable struct {
	ID, Title, What string
	One             bool
	Rows            []htmlRow
	Left            string
}

type htmlRow struct {
	Name      htmlName
	Mock, E2E *htmlSample
	Ratio     string
	RatioKey  float64
}

type htmlSample struct {
	N, Total, Mean, Median, Min, Max, Stddev, Share          string
	NKey, TotalKey, MeanKey, MedianKey, MinKey, MaxKey, SKey float64
	ShareKey                                                 float64 // per cent
}

type htmlFact struct{ Name, Mock, E2E string }

type htmlTrack struct {
	Side, Name, Group, Launches, Steps, Pace string
}

type htmlNotes struct {
	Title string
	List  []string
}

func newHTMLPage(r *align.Result, o Options) *htmlPage {
	names := newNameTable()
	names.fit(kernelNames(r), siteNameWidth)
	p := &htmlPage{r: r, Mode: r.Mode, Version: Clean(o.Version), Command: shellCommand(o.Command)}
	p.Mock, p.E2E = sideNames(r)
	p.Ratio = p.Mock + "/" + p.E2E
	if r.Mode == align.ModeRegression {
		p.Ratio = p.E2E + "/" + p.Mock
	}
	p.Reports = append(p.Reports, reportOf(p.Mock, r.Mock))
	p.Title = p.Reports[0].File
	if r.E2E != nil {
		p.Reports = append(p.Reports, reportOf(p.E2E, r.E2E))
		p.Title += " against " + p.Reports[1].File
	}
	if r.Mode != align.ModeReport {
		p.Verdict = markOf(verdictMark(r.Verdict), Clean(string(r.Verdict)))
		p.About = aboutVerdict(r)
		p.Title = p.Verdict.Word + ": " + p.Title
	}
	p.verdicts(r)
	p.explain(r)
	p.steps(r)
	p.sites(r, names)
	p.beside(r, names)
	p.tables(r, o, names)
	p.captures(r)
	p.Drawn = len(r.Sites) > 0 && r.Mock.Timeline != nil && r.E2E != nil && r.E2E.Timeline != nil
	p.data = newHTMLData(r, names)
	p.Names = names.full
	return p
}

// reportOf returns a side's path and the part of it that people know it by.
func reportOf(name string, s *align.Side) htmlReport {
	return htmlReport{name, Clean(path.Base(strings.ReplaceAll(s.Path, `\`, "/"))), Clean(s.Path)}
}

func aboutVerdict(r *align.Result) string {
	regression := r.Mode == align.ModeRegression
	switch r.Verdict {
	case align.Aligned:
		if regression {
			return "The new run does what the base does, in the same time."
		}
		return "The mock puts the same work on the GPU as the model does."
	case align.Misaligned:
		if regression {
			return "The new run does something else than the base, or takes longer."
		}
		return "The mock does not put the same work on the GPU as the model does."
	case align.Undecided:
		return "Nothing is known to differ, and something could not be told."
	case align.NotComparable:
		if regression {
			return "The two runs do not launch the same sequence of kernels."
		}
		return "The mock was not found in the model."
	}
	return ""
}

func (p *htmlPage) verdicts(r *align.Result) {
	n := map[align.SiteVerdict]int{}
	var order []align.SiteVerdict
	for i := range r.Sites {
		v := r.Sites[i].Verdict
		if n[v] == 0 {
			order = append(order, v)
		}
		n[v]++
	}
	// What is bad first; within that in order of appearance.
	rank := map[mark]int{bad: 0, unsure: 1, aside: 2, good: 3}
	slices.SortStableFunc(order, func(a, b align.SiteVerdict) int { return rank[siteMark(r, a)] - rank[siteMark(r, b)] })
	for _, v := range order {
		p.Counts = append(p.Counts, htmlCount{markOf(siteMark(r, v), Clean(verdictWord(r, v))), Clean(string(v)), thousands(int64(n[v]))})
	}
	for i := range r.Checklist {
		c := &r.Checklist[i]
		p.Checks = append(p.Checks, htmlCheck{markOf(statusMark(c.Status), Clean(string(c.Status))), Clean(checkTitle(r, c.ID)), Clean(c.Detail)})
	}
}

func (p *htmlPage) explain(r *align.Result) {
	byCause, rest := explained(r)
	for i := range r.Causes {
		c := &r.Causes[i]
		x := htmlCause{Title: Clean(causeTitle(c)), Message: Clean(c.Message), Fix: Clean(c.Fix)}
		for _, e := range c.Evidence {
			x.Evidence = append(x.Evidence, Clean(e))
		}
		for _, f := range byCause[i] {
			x.Findings = append(x.Findings, newHTMLFinding(f, c.Fix))
		}
		p.Causes = append(p.Causes, x)
	}
	for _, s := range []struct {
		severity align.Severity
		title    string
	}{{align.SeverityError, "Differences"}, {align.SeverityWarning, "Warnings"}, {align.SeverityInfo, "Worth knowing"}} {
		g := htmlFindings{Title: s.title}
		for _, f := range rest {
			if f.Severity == s.severity {
				g.List = append(g.List, newHTMLFinding(f, ""))
			}
		}
		if g.List != nil {
			p.Findings = append(p.Findings, g)
		}
	}
}

// newHTMLFinding leaves out the hint if it was just said.
func newHTMLFinding(f *align.Finding, said string) htmlFinding {
	const most = 40
	x := htmlFinding{htmlMark: markOf(severityMark(f.Severity), Clean(string(f.Severity))), Code: Clean(f.Code), Message: Clean(f.Message), Sites: f.Sites}
	if f.Hint != said {
		x.Hint = Clean(f.Hint)
	}
	if n := len(x.Sites) - most; n > 0 {
		x.Sites, x.More = x.Sites[:most], n
	}
	return x
}

func (p *htmlPage) steps(r *align.Result) {
	for _, x := range stepTimes(r) {
		steps := htmlSteps{Ratio: ratio(x.Ratio)}
		if x.Kind != "" {
			steps.Title = Clean(stepTimesTitle(x))
		}
		unit := scaleFor(x.BaseStepNS, x.NewStepNS)
		longest := max(x.BaseStepNS, x.NewStepNS, 1)
		for _, run := range []struct {
			name               string
			step, kernel, gaps float64
		}{{p.Mock, x.BaseStepNS, x.BaseKernelNS, x.BaseGapNS}, {p.E2E, x.NewStepNS, x.NewKernelNS, x.NewGapNS}} {
			steps.Runs = append(steps.Runs, htmlRun{
				Name: run.name, Step: unit.time(run.step), Kernels: unit.time(run.kernel), Gaps: unit.time(run.gaps),
				// Kernels that overlap sum to more than the time they take.
				KernelShare: 100 * (run.step - run.gaps) / longest, GapShare: 100 * run.gaps / longest,
			})
		}
		steps.Parts = []htmlPart{
			{"kernels added", signed(x.AddedNS)}, {"kernels removed", signed(-x.RemovedNS)}, {"kernels kept", signed(x.ChangedNS)},
		}
		p.Steps = append(p.Steps, steps)
	}
}

// siteNameWidth is how long a kernel's name may be in the tables, in columns.
const siteNameWidth = 56

// siteNames are the names that the row of a site shows.
type siteNames struct {
	name  htmlName
	other *htmlName // the E2E's, if it is another
}

func (p *htmlPage) sites(r *align.Result, names *nameTable) {
	p.Sites = sitesByCost(r)
	p.rowNames = make([]siteNames, len(p.Sites))
	for i, s := range p.Sites {
		p.rowNames[i].name = names.name(siteName(s))
		if s.MockName != "" && s.E2EName != "" && s.MockName != s.E2EName {
			other := names.name(s.E2EName)
			p.rowNames[i].other = &other
		}
	}
}

// siteRow returns row i of the table of sites.
func (p *htmlPage) siteRow(i int) htmlSite {
	s := p.Sites[i]
	times := siteTimes(s)
	x := htmlSite{
		Index: s.Index, ID: Clean(string(s.Verdict)), Verdict: markOf(siteMark(p.r, s.Verdict), Clean(verdictWord(p.r, s.Verdict))),
		Name: p.rowNames[i].name, Other: p.rowNames[i].other, Module: Clean(s.Module), Kind: Clean(s.StepKind),
		Mock: times[0], E2E: times[1], Ratio: siteRatio(s), RatioKey: -1, Interval: siteInterval(s),
		Share: percent(siteShare(s)), ShareKey: siteShare(s), Reason: Clean(s.Reason), Present: sitePresence(p.r, s),
	}
	if s.Mock != nil {
		x.MockNS = s.Mock.MedianNS
	}
	if s.E2E != nil {
		x.E2ENS = s.E2E.MedianNS
	}
	if s.Ratio != nil {
		x.HasRatio, x.RatioKey = true, *s.Ratio
		x.Mid = onBar(p.r, *s.Ratio)
		x.Lo, x.Hi = x.Mid, x.Mid
		if s.RatioLo != nil && s.RatioHi != nil {
			x.Lo, x.Hi = onBar(p.r, *s.RatioLo), onBar(p.r, *s.RatioHi)
		}
	}
	return x
}

// onBar returns where a ratio stands on a bar from 1/10 to 10, or for a
// regression from 1/2 to 2, by its logarithm, in per cent.
func onBar(r *align.Result, ratio float64) float64 {
	if ratio <= 0 {
		return 0
	}
	end := 10.0
	if r.Mode == align.ModeRegression {
		end = 2
	}
	return math.Round(10*min(max(50+50*math.Log(ratio)/math.Log(end), 0), 100)) / 10
}

func (p *htmlPage) beside(r *align.Result, names *nameTable) {
	for _, side := range []struct {
		where string
		list  []align.Neighbour
	}{{"before", r.Before}, {"after", r.After}} {
		for i, n := range side.list {
			where := side.where
			if i > 0 {
				where = fmt.Sprintf("%s, %d further", side.where, i)
			}
			p.Beside = append(p.Beside, htmlNeighbour{where, duration(n.MedianNS), percent(n.Share), n.MedianNS, n.Share,
				names.name(n.Name)})
		}
	}
}

func (p *htmlPage) tables(r *align.Result, o Options, names *nameTable) {
	for _, t := range []struct {
		id, title, what string
		rows            []align.KernelRow
	}{{"by-name", "By name, wherever launched", "kernel", r.Kernels}, {"memory", "Memory operations", "operation", r.MemOps}} {
		if len(t.rows) == 0 {
			continue
		}
		rows, left := top(t.rows, o.Top)
		x := htmlTable{ID: t.id, Title: t.title, What: t.what, One: r.Mode == align.ModeReport}
		if left > 0 {
			x.Left = count(left, "more row", "more rows")
		}
		for i := range rows {
			k := &rows[i]
			unit := scaleFor(rowTimes(k.Mock, k.E2E)...)
			row := htmlRow{Name: names.name(k.Name), Mock: newHTMLSample(k.Mock, unit, k.MockShare), E2E: newHTMLSample(k.E2E, unit, k.E2EShare), RatioKey: -1}
			if k.Ratio != nil {
				row.Ratio, row.RatioKey = ratio(*k.Ratio), *k.Ratio
			}
			x.Rows = append(x.Rows, row)
		}
		p.Tables = append(p.Tables, x)
	}
}

func newHTMLSample(s *align.Sample, unit scale, share float64) *htmlSample {
	if s == nil {
		return nil
	}
	return &htmlSample{
		N: thousands(int64(s.N)), Total: duration(float64(s.TotalNS)), Mean: unit.time(s.MeanNS), Median: unit.time(s.MedianNS),
		Min: unit.time(float64(s.MinNS)), Max: unit.time(float64(s.MaxNS)), Stddev: unit.time(s.StddevNS), Share: percent(share),
		NKey: float64(s.N), TotalKey: float64(s.TotalNS), MeanKey: s.MeanNS, MedianKey: s.MedianNS,
		MinKey: float64(s.MinNS), MaxKey: float64(s.MaxNS), SKey: s.StddevNS, ShareKey: 100 * share,
	}
}

func (p *htmlPage) captures(r *align.Result) {
	mock := captureTable(r.Mock)
	var e2e []htmlPart
	if r.E2E != nil {
		e2e = captureTable(r.E2E)
	}
	for i := range mock {
		f := htmlFact{Name: mock[i].What, Mock: mock[i].Time}
		if e2e != nil {
			f.E2E = e2e[i].Time
		}
		if f.Mock != "" || f.E2E != "" {
			p.Facts = append(p.Facts, f)
		}
	}
	for _, s := range []struct {
		name string
		side *align.Side
	}{{p.Mock, r.Mock}, {p.E2E, r.E2E}} {
		if s.side == nil {
			continue
		}
		for _, n := range []struct {
			title string
			list  []string
		}{
			{s.name + ": left out", s.side.LeftOut},
			{s.name + ": warnings", s.side.Warnings},
			{s.name + ": messages of the profiler", s.side.Diagnostics},
		} {
			if len(n.list) == 0 {
				continue
			}
			x := htmlNotes{Title: n.title}
			for _, line := range n.list {
				x.List = append(x.List, Clean(line))
			}
			p.Notes = append(p.Notes, x)
		}
		ranks, left := rankTable(s.side)
		names := rankNames(ranks)
		for i, t := range ranks {
			x := htmlTrack{Side: s.name, Name: Clean(names[i]), Launches: thousands(int64(t.Launches)), Pace: pace(t),
				Steps: fmt.Sprintf("%s of %s", thousands(int64(t.Steps)), count(t.LaunchesPerStep, "launch", "launches"))}
			if t.Group > 0 {
				x.Group = fmt.Sprint(t.Group)
			}
			p.Tracks = append(p.Tracks, x)
		}
		if left > 0 {
			p.RanksLeft = append(p.RanksLeft, count(left, "more rank", "more ranks")+" of the "+s.name+", whose pace is nearer to the others'")
		}
	}
	l := r.Limits
	if r.Mode != align.ModeReport && l.MaxRatio > 0 {
		p.Limits = append(p.Limits, fmt.Sprintf("ratio at most %.4g", l.MaxRatio),
			"differences below "+duration(float64(l.MinTimeNS))+" are not judged",
			"at least "+count(l.MinSamples, "launch", "launches")+" of a site")
		if l.TP > 0 {
			tp := fmt.Sprintf("tensor parallelism %d", l.TP)
			if l.ScaleTP {
				tp += ", per-head sites judged after dividing by it"
			}
			p.Limits = append(p.Limits, tp)
		}
	}
}

// captureTable returns what is known of a side, the same facts in the same
// order for both.
func captureTable(s *align.Side) []htmlPart {
	number := func(n int64) string {
		if n == 0 {
			return ""
		}
		return thousands(n)
	}
	scope := ""
	if s.InScope != s.Launches {
		scope = thousands(s.InScope)
	}
	opaque := ""
	if s.OpaqueGraphs > 0 {
		opaque = count(s.OpaqueGraphs, "launch", "launches") + ", " + duration(float64(s.OpaqueNS))
	}
	steps, by := "", ""
	if s.Steps > 0 {
		steps = count(s.Steps, "step", "steps") + " of " + count(s.LaunchesPerStep, "launch", "launches")
		by = map[string]string{"nvtx": "by NVTX ranges", "period": "by the period of the launches", "graph": "by graph launches", "whole": "the whole capture is one"}[s.StepsBy]
		if s.StepKind != "" {
			by += ": " + Clean(s.StepKind)
		}
	}
	step := ""
	if s.StepNS.N > 0 {
		step = duration(s.StepNS.MedianNS)
	}
	var gpus []string
	for _, g := range collapse(s.GPUs) {
		gpus = append(gpus, Clean(g))
	}
	return []htmlPart{
		{"report", Clean(s.Path)},
		{"GPU", strings.Join(gpus, ", ")},
		{"driver", Clean(s.Driver)},
		{"Nsight Systems", Clean(s.Tool)},
		{"schema of the export", Clean(s.Schema)},
		{"kernel launches", number(s.Launches)},
		{"of which in scope", scope},
		{"replayed from CUDA graphs", number(s.GraphLaunches)},
		{"opaque CUDA graphs", opaque},
		{"without an NVTX range to be told", number(s.Unattributed)},
		{"processes, devices, streams", fmt.Sprintf("%d, %d, %d", s.Processes, s.Devices, s.Streams)},
		{"kernel time in scope", duration(float64(s.GPUTimeNS))},
		{"steps compared", steps},
		{"steps told", by},
		{"kernel time of a step, median", step},
		{"occurrences in a step", number(int64(s.Occurrences))},
	}
}

// shellCommand returns a command line to be pasted into a POSIX shell.
func shellCommand(args []string) string {
	var parts []string
	for _, a := range args {
		plain := a != "" && strings.IndexFunc(a, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-+=./:,@%", r))
		}) < 0
		if !plain {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		parts = append(parts, Clean(a))
	}
	return strings.Join(parts, " ")
}
