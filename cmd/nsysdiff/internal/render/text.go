package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/nsysdiff/nsysdiff/align"
)

// Text writes a result for a terminal, or any place with a fixed-width font.
func Text(w io.Writer, r *align.Result, o Options) error {
	if o.Width == 0 {
		o.Width = DefaultWidth
	}
	o.Width = max(o.Width, MinWidth)
	t := &textPrinter{printer: printer{w: w}, options: o, r: r}
	t.captures()
	byCause, rest := explained(r)
	if r.Mode == align.ModeReport {
		t.report()
		t.findings(rest)
		return t.err
	}
	t.sites()
	t.ranks()
	t.neighbours()
	t.byName()
	t.memOps()
	// A terminal shows the end: the answer, and not a table of a hundred rows.
	t.stepTimes()
	t.causes(byCause)
	t.checklist()
	t.findings(rest)
	t.verdict()
	return t.err
}

type textPrinter struct {
	printer
	options Options
	r       *align.Result
}

// title begins a section.
func (t *textPrinter) title(s string) {
	t.print("\n")
	t.para("", s, bold)
}

// para writes a paragraph: prefix on its first line, and the text wrapped
// beside it.
func (t *textPrinter) para(prefix, text string, c color) {
	indent := width(prefix)
	for i, line := range Wrap(Clean(text), t.options.Width-indent) {
		if i > 0 {
			prefix = strings.Repeat(" ", indent)
		}
		t.print(prefix, t.paint(c, line), "\n")
	}
}

// marked writes a paragraph behind a mark.
func (t *textPrinter) marked(indent string, m mark, text string) {
	for i, line := range Wrap(Clean(text), t.options.Width-len(indent)-2) {
		if i == 0 {
			t.print(indent, t.paint(m.color(), m.text()), " ", line, "\n")
		} else {
			t.print(indent, "  ", line, "\n")
		}
	}
}

func (t *textPrinter) captures() {
	mock, e2e := sideNames(t.r)
	n := max(width(mock), width(e2e))
	for _, s := range []struct {
		name string
		side *align.Side
	}{{mock, t.r.Mock}, {e2e, t.r.E2E}} {
		if s.side == nil {
			continue
		}
		prefix := fmt.Sprintf("%-*s  ", n, s.name)
		t.para(prefix, s.side.Path+": "+strings.Join(captureFacts(s.side), ", "), plain)
		indent := strings.Repeat(" ", width(prefix))
		for _, x := range s.side.LeftOut {
			t.para(indent+"left out: ", x, dim)
		}
		for _, x := range s.side.Warnings {
			t.para(indent+t.paint(yellow, "!")+" warning: ", x, plain)
		}
		for _, x := range told(s.side.Diagnostics) {
			t.para(indent+t.paint(yellow, "!")+" profiler: ", x, plain)
		}
	}
}

// captureFacts returns what a report's line says of it, in order.
func captureFacts(s *align.Side) []string {
	var facts []string
	if len(s.GPUs) > 0 {
		facts = append(facts, strings.Join(collapse(s.GPUs), " + "))
	}
	if s.Tool != "" {
		facts = append(facts, "nsys "+s.Tool)
	}
	launches := count(s.Launches, "launch", "launches")
	if s.InScope != s.Launches {
		launches += fmt.Sprintf(" (%s in scope)", thousands(s.InScope))
	}
	facts = append(facts, launches)
	if s.Launches > 0 && s.GraphLaunches > 0 {
		facts = append(facts, percent(float64(s.GraphLaunches)/float64(s.Launches))+" replayed from CUDA graphs")
	}
	if n := reportCount(s); n > 1 {
		facts = append(facts, count(n, "report", "reports"))
	}
	facts = append(facts, count(s.Processes, "process", "processes"))
	if s.Steps > 0 {
		steps := fmt.Sprintf("%s of %s", count(s.Steps, "step", "steps"), count(s.LaunchesPerStep, "launch", "launches"))
		if s.StepKind != "" {
			steps += fmt.Sprintf(" (%s)", s.StepKind)
		}
		facts = append(facts, steps)
	}
	if s.Occurrences > 0 {
		facts = append(facts, count(s.Occurrences, "occurrence", "occurrences")+" a step")
	}
	return facts
}

// collapse counts equal neighbours: "8 x NVIDIA H200".
func collapse(names []string) []string {
	var out []string
	for i := 0; i < len(names); {
		j := i
		for j < len(names) && names[j] == names[i] {
			j++
		}
		if j-i > 1 {
			out = append(out, fmt.Sprintf("%d x %s", j-i, names[i]))
		} else {
			out = append(out, names[i])
		}
		i = j
	}
	return out
}

// foldFrom returns how many sites a table has before runs of matching ones are
// folded into one line each: a regression check is about the others.
func foldFrom(r *align.Result) int {
	if r.Mode == align.ModeRegression {
		return 20
	}
	return 200
}

func (t *textPrinter) sites() {
	if len(t.r.Sites) == 0 {
		return
	}
	mock, e2e := sideNames(t.r)
	ratioTitle := mock + "/" + e2e
	if t.r.Mode == align.ModeRegression {
		ratioTitle = e2e + "/" + mock
	}
	if t.options.Width < 60 {
		ratioTitle = "ratio"
	}
	columns := []column{
		{title: "#"},
		{title: "kernel", left: true, name: true},
		{title: mock},
		{title: e2e},
		{title: ratioTitle},
		{title: "95 %", drop: 3},
		{title: "share", drop: 2},
		{title: "ranks", drop: 4},
		{title: "verdict", left: true, drop: 1, shrink: true},
	}
	sites := sitesByCost(t.r)
	ranks := false
	var rows []row
	for i := 0; i < len(sites); i++ {
		if len(sites) > foldFrom(t.r) {
			j := i
			for j < len(sites) && sites[j].Verdict == align.Match {
				j++
			}
			if j-i > 2 {
				rows = append(rows, row{span: fmt.Sprintf("… %d sites match", j-i)})
				i = j - 1
				continue
			}
		}
		s := sites[i]
		ranks = ranks || s.Ranks != nil
		rows = append(rows, t.siteRow(s))
	}
	if !ranks {
		columns, rows = without(columns, rows, 7)
	}
	t.print("\n")
	t.droppedNote(t.table(columns, rows, t.options.Width))
}

func (t *textPrinter) siteRow(s *align.Site) row {
	m := siteMark(t.r, s.Verdict)
	times := siteTimes(s)
	r := row{cells: []cell{
		{text: fmt.Sprint(s.Index)},
		{text: siteName(s)},
		{text: times[0]},
		{text: times[1]},
		{text: siteRatio(s), color: ratioColor(m)},
		{text: siteInterval(s)},
		{text: percent(siteShare(s))},
		{text: rankSpread(s)},
		{text: m.text() + " " + verdictWord(t.r, s.Verdict), short: m.text(), color: m.color()},
	}}
	if s.MockName != "" && s.E2EName != "" && s.MockName != s.E2EName {
		_, e2e := sideNames(t.r)
		r.notes = append(r.notes, e2e+": "+s.E2EName)
	}
	if s.Reason != "" {
		r.notes = append(r.notes, s.Reason)
	}
	if s.StepKind != "" && s.Verdict != align.Match {
		r.notes = append(r.notes, "in "+s.StepKind)
	}
	return r
}

func ratioColor(m mark) color {
	if m == bad {
		return red
	}
	return plain
}

// siteName returns the name that a site goes by: the mock's where it has one.
func siteName(s *align.Site) string {
	if s.MockName != "" {
		return s.MockName
	}
	return s.E2EName
}

// siteShare returns what part of the kernel time a site takes of an occurrence, or
// of the new run's step: the column adds up. What only the mock or the base has is
// given as part of its step.
func siteShare(s *align.Site) float64 {
	if s.E2E != nil {
		return s.E2EShare
	}
	return s.MockShare
}

// sitePresence says which part of the occurrences a site is in, unless it is each
// or, of what the E2E has not, none.
func sitePresence(r *align.Result, s *align.Site) string {
	if s.Present <= 0 || s.Present >= 0.995 {
		return ""
	}
	if r.Mode == align.ModeRegression {
		return "in " + percent(s.Present) + " of the steps"
	}
	return "in " + percent(s.Present) + " of the occurrences"
}

// siteTimes returns both medians in one unit, "-" for a side that is absent.
func siteTimes(s *align.Site) [2]string {
	var ns []float64
	for _, x := range []*align.Sample{s.Mock, s.E2E} {
		if x != nil {
			ns = append(ns, x.MedianNS)
		}
	}
	unit := scaleFor(ns...)
	var out [2]string
	for i, x := range []*align.Sample{s.Mock, s.E2E} {
		out[i] = "-"
		if x != nil {
			out[i] = unit.time(x.MedianNS)
		}
	}
	return out
}

func siteRatio(s *align.Site) string {
	if s.Ratio == nil {
		return ""
	}
	if s.ScaledRatio != nil {
		return ratio(*s.Ratio) + "→" + ratio(*s.ScaledRatio)
	}
	return ratio(*s.Ratio)
}

func siteInterval(s *align.Site) string {
	if s.RatioLo == nil || s.RatioHi == nil {
		return ""
	}
	return "[" + ratio(*s.RatioLo) + ", " + ratio(*s.RatioHi) + "]"
}

// rankSpread returns the slowest rank's median over the fastest's.
func rankSpread(s *align.Site) string {
	if s.Ranks == nil || s.Ranks.MinNS <= 0 {
		return ""
	}
	return ratio(s.Ranks.MaxNS/s.Ranks.MinNS) + "x"
}

// sitesByCost returns the sites of a regression check in order of the time that
// they cost in all, new against base, and those of others in their own order.
func sitesByCost(r *align.Result) []*align.Site {
	sites := make([]*align.Site, len(r.Sites))
	for i := range r.Sites {
		sites[i] = &r.Sites[i]
	}
	if r.Mode != align.ModeRegression {
		return sites
	}
	type costed struct {
		cost float64
		site *align.Site
	}
	list := make([]costed, len(sites))
	for i, s := range sites {
		list[i].site = s
		if s.E2E != nil {
			list[i].cost += s.E2E.MedianNS
		}
		if s.Mock != nil {
			list[i].cost -= s.Mock.MedianNS
		}
	}
	slices.SortStableFunc(list, func(a, b costed) int {
		switch {
		case a.cost > b.cost:
			return -1
		case a.cost < b.cost:
			return 1
		}
		return 0
	})
	for i := range list {
		sites[i] = list[i].site
	}
	return sites
}

func without(columns []column, rows []row, c int) ([]column, []row) {
	columns = slices.Delete(columns, c, c+1)
	for i := range rows {
		if rows[i].span == "" {
			rows[i].cells = slices.Delete(rows[i].cells, c, c+1)
		}
	}
	return columns, rows
}

func (t *textPrinter) droppedNote(titles []string) {
	if len(titles) > 0 {
		t.para("", "(too narrow for: "+strings.Join(titles, ", ")+")", dim)
	}
}

func (t *textPrinter) neighbours() {
	for _, side := range []struct {
		title string
		list  []align.Neighbour
	}{{"Before each occurrence", t.r.Before}, {"After each occurrence", t.r.After}} {
		if len(side.list) == 0 {
			continue
		}
		t.title(side.title + " in the e2e, nearest first")
		columns := []column{
			{title: "kernel", left: true, name: true},
			{title: "median"},
			{title: "present", drop: 1},
		}
		var rows []row
		for _, n := range side.list {
			rows = append(rows, row{cells: []cell{{text: n.Name}, {text: duration(n.MedianNS)}, {text: percent(n.Share)}}})
		}
		t.table(columns, rows, t.options.Width)
	}
}

func (t *textPrinter) stepTimes() {
	for i, x := range stepTimes(t.r) {
		if i == 0 {
			t.title("Time of a step")
		}
		indent := "  "
		if x.Kind != "" {
			t.para(indent, stepTimesTitle(x), plain)
			indent += "  "
		}
		line := func(what string, base, new float64, more string) {
			unit := scaleFor(base, new)
			t.para(indent, fmt.Sprintf("%s %s -> %s%s", what, unit.time(base), unit.time(new), more), plain)
		}
		line("step", x.BaseStepNS, x.NewStepNS, ", new/base "+ratio(x.Ratio))
		line("kernels", x.BaseKernelNS, x.NewKernelNS, "")
		line("gaps", x.BaseGapNS, x.NewGapNS, "")
		t.para(indent, fmt.Sprintf("of the kernels' change: added %s, removed %s, kept %s",
			signed(x.AddedNS), signed(-x.RemovedNS), signed(x.ChangedNS)), plain)
	}
}

// stepTimes returns the times of all kinds of steps that a regression check compared,
// the main one first.
func stepTimes(r *align.Result) []*align.StepTimes {
	if r.Regression == nil {
		return nil
	}
	all := []*align.StepTimes{r.Regression}
	for i := range r.OtherSteps {
		all = append(all, &r.OtherSteps[i])
	}
	return all
}

// stepTimesTitle names one kind of steps of several.
func stepTimesTitle(x *align.StepTimes) string {
	return fmt.Sprintf("%s against %s: %s", count(x.BaseSteps, "step", "steps"), thousands(int64(x.NewSteps)), x.Kind)
}

// signed returns a change of time with its sign.
func signed(ns float64) string {
	switch {
	case ns > 0:
		return "+" + duration(ns)
	case ns < 0:
		return "-" + duration(-ns)
	}
	return duration(0)
}

func (t *textPrinter) causes(byCause [][]*align.Finding) {
	for i, c := range t.r.Causes {
		if i == 0 {
			t.title("Causes")
		}
		t.marked("  ", unsure, causeTitle(&c)+": "+c.Message)
		for _, e := range c.Evidence {
			t.para("    evidence: ", e, dim)
		}
		if c.Fix != "" {
			t.para("    fix: ", c.Fix, plain)
		}
		for _, f := range byCause[i] {
			t.finding("    ", f, c.Fix)
		}
	}
}

// causeTitle returns a cause's code and its factor.
func causeTitle(c *align.Cause) string {
	switch {
	case c.Factor > 0 && c.Factor < 1:
		return c.Code + " x1/" + trimZeros(ratio(1/c.Factor))
	case c.Factor > 1:
		return c.Code + " x" + trimZeros(ratio(c.Factor))
	}
	return c.Code
}

func trimZeros(s string) string {
	if strings.Contains(s, ".") {
		return strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

func (t *textPrinter) checklist() {
	for i, c := range t.r.Checklist {
		if i == 0 {
			t.title("Checklist")
		}
		t.marked("  ", statusMark(c.Status), checkLine(t.r, &c))
	}
}

// checkLine returns a check with its status in words.
func checkLine(r *align.Result, c *align.Check) string {
	s := checkTitle(r, c.ID) + ": " + string(c.Status)
	if c.Detail != "" {
		s += ", " + c.Detail
	}
	return s
}

// findings writes those that no cause explains: the others stand below
// their cause.
func (t *textPrinter) findings(rest []*align.Finding) {
	for i, f := range rest {
		if i == 0 {
			t.title("Findings")
		}
		t.finding("  ", f, "")
	}
}

// finding writes a finding and its hint, unless that was just said.
func (t *textPrinter) finding(indent string, f *align.Finding, said string) {
	t.marked(indent, severityMark(f.Severity), findingLine(f))
	if f.Hint != said {
		t.para(indent+"  hint: ", f.Hint, dim)
	}
}

// findingLine returns a finding with its code, severity and sites.
func findingLine(f *align.Finding) string {
	s := fmt.Sprintf("%s [%s]: %s", f.Severity, f.Code, f.Message)
	if len(f.Sites) > 0 {
		s += " (" + siteList(f.Sites) + ")"
	}
	return s
}

// siteList returns site indices with runs folded: "sites 1, 3-7".
func siteList(sites []int) string {
	var parts []string
	for i := 0; i < len(sites); {
		j := i
		for j+1 < len(sites) && sites[j+1] == sites[j]+1 {
			j++
		}
		if j > i+1 {
			parts = append(parts, fmt.Sprintf("%d-%d", sites[i], sites[j]))
			i = j + 1
			continue
		}
		parts = append(parts, fmt.Sprint(sites[i]))
		i++
	}
	word := "site "
	if len(sites) > 1 {
		word = "sites "
	}
	return word + strings.Join(parts, ", ")
}

func (t *textPrinter) byName() {
	rows := t.r.Kernels
	if len(rows) == 0 {
		return
	}
	t.title("By name, wherever launched")
	t.pairTable("kernel", rows)
}

func (t *textPrinter) memOps() {
	if len(t.r.MemOps) == 0 {
		return
	}
	t.title("Memory operations")
	if t.r.Mode == align.ModeReport {
		t.reportTable("Operation", t.r.MemOps)
		return
	}
	t.pairTable("operation", t.r.MemOps)
}

// pairTable writes a table of both sides by name.
func (t *textPrinter) pairTable(what string, list []align.KernelRow) {
	mock, e2e := sideNames(t.r)
	columns := []column{
		{title: what, left: true, name: true},
		{title: mock + " n", drop: 2},
		{title: "total", side: mock, drop: 6},
		{title: "median"},
		{title: "share", side: mock, drop: 4},
		{title: e2e + " n", drop: 1},
		{title: "total", side: e2e, drop: 5},
		{title: "median"},
		{title: "share", side: e2e, drop: 3},
		{title: "ratio"},
	}
	shown, left := top(list, t.options.Top)
	var rows []row
	for _, k := range shown {
		var medians []float64
		for _, s := range []*align.Sample{k.Mock, k.E2E} {
			if s != nil {
				medians = append(medians, s.MedianNS)
			}
		}
		unit := scaleFor(medians...)
		r := row{cells: []cell{{text: k.Name}}}
		for _, side := range []struct {
			s     *align.Sample
			share float64
		}{{k.Mock, k.MockShare}, {k.E2E, k.E2EShare}} {
			if side.s == nil {
				r.cells = append(r.cells, cell{text: "0"}, cell{text: "-"}, cell{text: "-"}, cell{text: "-"})
				continue
			}
			r.cells = append(r.cells, cell{text: thousands(int64(side.s.N))}, cell{text: duration(float64(side.s.TotalNS))},
				cell{text: unit.time(side.s.MedianNS)}, cell{text: percent(side.share)})
		}
		x := ""
		if k.Ratio != nil {
			x = ratio(*k.Ratio)
		}
		r.cells = append(r.cells, cell{text: x})
		rows = append(rows, r)
	}
	t.droppedNote(t.table(columns, rows, t.options.Width))
	t.restNote(left)
}

// top returns the first n rows, all if n is 0, and how many it left.
func top(list []align.KernelRow, n int) (shown []align.KernelRow, left int) {
	if n <= 0 || n >= len(list) {
		return list, 0
	}
	return list[:n], len(list) - n
}

func (t *textPrinter) restNote(left int) {
	if left > 0 {
		t.para("", fmt.Sprintf("… %s", count(left, "more row", "more rows")), dim)
	}
}

// report writes the table of one report, with the columns of
// cuda_gpu_kern_sum of nsys stats. The times of one launch share the unit that
// stands in its own column.
func (t *textPrinter) report() {
	t.print("\n")
	t.reportTable("Name", t.r.Kernels)
	t.memOps()
}

func (t *textPrinter) reportTable(what string, list []align.KernelRow) {
	columns := []column{
		{title: "Time"},
		{title: "Total Time"},
		{title: "Instances", drop: 1},
		{title: "Avg", drop: 4},
		{title: "Med"},
		{title: "Min", drop: 3},
		{title: "Max", drop: 2},
		{title: "StdDev", drop: 5},
		{title: "", left: true},
		{title: what, left: true, name: true},
	}
	shown, left := top(list, t.options.Top)
	var rows []row
	for _, k := range shown {
		s := k.Mock
		if s == nil {
			continue
		}
		unit := scaleFor(float64(s.MinNS), s.MedianNS, s.MeanNS)
		rows = append(rows, row{cells: []cell{
			{text: percent(k.MockShare)},
			{text: duration(float64(s.TotalNS))},
			{text: thousands(int64(s.N))},
			{text: unit.number(s.MeanNS)},
			{text: unit.number(s.MedianNS)},
			{text: unit.number(float64(s.MinNS))},
			{text: unit.number(float64(s.MaxNS))},
			{text: unit.number(s.StddevNS)},
			{text: unit.unit},
			{text: k.Name},
		}})
	}
	t.droppedNote(t.table(columns, rows, t.options.Width))
	t.restNote(left)
}

func (t *textPrinter) verdict() {
	m := verdictMark(t.r.Verdict)
	t.print("\n", t.paint(bold, "verdict: "), t.paint(m.color(), m.text()+" "+Clean(string(t.r.Verdict))), "\n")
	t.para("  ", siteCounts(t.r), plain)
}

// siteCounts returns how many sites have each verdict, in the order of the
// verdicts' first appearance in the documentation.
func siteCounts(r *align.Result) string {
	n := map[align.SiteVerdict]int{}
	for i := range r.Sites {
		n[r.Sites[i].Verdict]++
	}
	var parts []string
	for _, v := range []align.SiteVerdict{align.Match, align.Slower, align.Faster, align.Missing, align.Extra, align.Variant,
		align.HeadMismatch, align.SiteUndecided, align.Communication, align.Accepted, align.Ignored} {
		if n[v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[v], verdictWord(r, v)))
		}
	}
	return strings.Join(parts, ", ")
}
