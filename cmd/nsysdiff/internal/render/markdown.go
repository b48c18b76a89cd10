package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/nsysdiff/nsysdiff/align"
)

// Markdown writes a result to be pasted into a pull request: GitHub-flavoured
// Markdown, the comparison table first.
func Markdown(w io.Writer, r *align.Result, o Options) error {
	m := &markdownPrinter{printer: printer{w: w}, options: o, r: r, names: mdNames(r)}
	byCause, rest := explained(r)
	if r.Mode == align.ModeReport {
		m.reportTable("Name", r.Kernels)
		if len(r.MemOps) > 0 {
			m.print("\n")
			m.reportTable("Operation", r.MemOps)
		}
		m.findings(rest)
		m.captures()
		return m.err
	}
	m.sites()
	m.print("\n**Verdict:** ", verdictMark(r.Verdict).emoji(), " ", mdText(string(r.Verdict)))
	if s := siteCounts(r); s != "" {
		m.print(" (", mdText(s), ")")
	}
	m.print("\n")
	m.stepTimes()
	m.causes(byCause)
	m.checklist()
	m.findings(rest)
	m.siteDetails()
	m.ranks()
	m.neighbours()
	m.captures()
	m.byName()
	return m.err
}

type markdownPrinter struct {
	printer
	options Options
	r       *align.Result
	names   map[string]string // as cells
}

// markdownName is how long a name in a table may be, in columns. The names in
// full are in JSON and CSV.
const markdownName = 100

func (m *markdownPrinter) title(s string) { m.print("\n### ", s, "\n\n") }

// row writes a line of a table; cells must be escaped.
func (m *markdownPrinter) row(cells ...string) {
	m.print("| ", strings.Join(cells, " | "), " |\n")
}

// rule writes the line below a table's header; align holds "l" or "r" for
// each column.
func (m *markdownPrinter) rule(align string) {
	var cells []string
	for _, a := range align {
		if a == 'r' {
			cells = append(cells, "---:")
		} else {
			cells = append(cells, "---")
		}
	}
	m.row(cells...)
}

func (m *markdownPrinter) sites() {
	if m.r.Mode == align.ModeRegression {
		m.row("Kernel", "Base", "New", "Match")
	} else {
		m.row("Kernel", "Mock Layer", "E2E Model", "Match")
	}
	m.rule("lrrl")
	for _, s := range sitesByCost(m.r) {
		times := siteTimes(s)
		if m.row(m.name(siteName(s)), times[0], times[1], siteMatch(m.r, s)); m.err != nil {
			return
		}
	}
}

// siteMatch returns the mark of a site, with words where it is not a plain
// match.
func siteMatch(r *align.Result, s *align.Site) string {
	mark := siteMark(r, s.Verdict).emoji()
	if s.Verdict == align.Match {
		return mark
	}
	text := mark + " " + mdText(verdictWord(r, s.Verdict))
	if s.Variant && s.Verdict != align.Variant {
		text += ", variant"
	}
	if s.Ratio != nil {
		text += " (" + siteRatio(s) + "x)"
	}
	return text
}

// siteDetails writes what the first table leaves out of the sites.
func (m *markdownPrinter) siteDetails() {
	if len(m.r.Sites) == 0 {
		return
	}
	mock, e2e := sideNames(m.r)
	m.print("\n<details><summary>Sites</summary>\n\n")
	m.row("#", mock+" kernel", e2e+" kernel", "Ratio", "95 % interval", "Share", "Module", "Verdict", "Why")
	m.rule("rllrrrlll")
	for i := range m.r.Sites {
		s := &m.r.Sites[i]
		module := ""
		if s.Module != "" {
			module = m.name(s.Module)
		}
		var why []string
		for _, x := range []string{s.Reason, sitePresence(m.r, s)} {
			if x != "" {
				why = append(why, x)
			}
		}
		if s.StepKind != "" {
			why = append(why, "in "+s.StepKind)
		}
		m.row(fmt.Sprint(s.Index), m.nameOrDash(s.MockName), m.nameOrDash(s.E2EName), siteRatio(s), mdText(siteInterval(s)),
			percent(siteShare(s)), module, mdText(verdictWord(m.r, s.Verdict)), mdText(strings.Join(why, ", ")))
		if m.err != nil {
			return
		}
	}
	m.print("\n</details>\n")
}

func (m *markdownPrinter) nameOrDash(name string) string {
	if name == "" {
		return "-"
	}
	return m.name(name)
}

// name returns a kernel's name as a cell of a table.
func (m *markdownPrinter) name(name string) string {
	cell, ok := m.names[name]
	if !ok { // a module
		cell = mdName(fitName(Clean(name), markdownName))
		m.names[name] = cell
	}
	return cell
}

func (m *markdownPrinter) checklist() {
	for i, c := range m.r.Checklist {
		if i == 0 {
			m.title("Checklist")
		}
		m.print("- ", statusMark(c.Status).emoji(), " ", mdText(checkLine(m.r, &c)), "\n")
	}
}

func (m *markdownPrinter) causes(byCause [][]*align.Finding) {
	for i, c := range m.r.Causes {
		if i == 0 {
			m.title("Causes")
		}
		m.print("- **", mdText(causeTitle(&c)), "**: ", mdText(c.Message), "\n")
		for _, e := range c.Evidence {
			m.print("  - evidence: ", mdText(e), "\n")
		}
		if c.Fix != "" {
			m.print("  - fix: ", mdText(c.Fix), "\n")
		}
		for _, f := range byCause[i] {
			m.finding("  ", f, c.Fix)
		}
	}
}

func (m *markdownPrinter) findings(rest []*align.Finding) {
	for i, f := range rest {
		if i == 0 {
			m.title("Findings")
		}
		if m.finding("", f, ""); m.err != nil {
			return
		}
	}
}

// finding writes a finding and its hint, unless that was just said.
func (m *markdownPrinter) finding(indent string, f *align.Finding, said string) {
	m.print(indent, "- ", severityMark(f.Severity).emoji(), " ", mdText(findingLine(f)))
	if f.Hint != said {
		m.print("  \n", indent, "  *hint:* ", mdText(f.Hint))
	}
	m.print("\n")
}

func (m *markdownPrinter) stepTimes() {
	for i, x := range stepTimes(m.r) {
		if i == 0 {
			m.title("Time of a step")
		} else {
			m.print("\n")
		}
		if x.Kind != "" {
			m.print(mdText(stepTimesTitle(x)), "\n\n")
		}
		m.row("", "Base", "New")
		m.rule("lrr")
		for _, l := range []struct {
			what      string
			base, new float64
		}{{"Step", x.BaseStepNS, x.NewStepNS}, {"Kernels", x.BaseKernelNS, x.NewKernelNS}, {"Gaps", x.BaseGapNS, x.NewGapNS}} {
			unit := scaleFor(l.base, l.new)
			m.row(l.what, unit.time(l.base), unit.time(l.new))
		}
		m.print("\nNew/base ", ratio(x.Ratio), "; of the kernels' change: added ", signed(x.AddedNS),
			", removed ", signed(-x.RemovedNS), ", kept ", signed(x.ChangedNS), ".\n")
	}
}

func (m *markdownPrinter) neighbours() {
	if len(m.r.Before)+len(m.r.After) == 0 {
		return
	}
	m.title("Beside each occurrence in the E2E model")
	m.row("Side", "Kernel", "Median", "Present")
	m.rule("llrr")
	for _, n := range m.r.Before {
		m.row("before", m.name(n.Name), duration(n.MedianNS), percent(n.Share))
	}
	for _, n := range m.r.After {
		m.row("after", m.name(n.Name), duration(n.MedianNS), percent(n.Share))
	}
}

func (m *markdownPrinter) captures() {
	m.title("Captures")
	mock, e2e := sideNames(m.r)
	for _, s := range []struct {
		name string
		side *align.Side
	}{{mock, m.r.Mock}, {e2e, m.r.E2E}} {
		if s.side == nil {
			continue
		}
		m.print("- **", s.name, "** ", mdCode(s.side.Path), ": ", mdText(strings.Join(captureFacts(s.side), ", ")), "\n")
		for _, x := range s.side.LeftOut {
			m.print("  - left out: ", mdText(x), "\n")
		}
		for _, x := range s.side.Warnings {
			m.print("  - ⚠️ ", mdText(x), "\n")
		}
		for _, x := range told(s.side.Diagnostics) {
			m.print("  - ⚠️ profiler: ", mdText(x), "\n")
		}
	}
}

func (m *markdownPrinter) byName() {
	for _, t := range []struct {
		title string
		rows  []align.KernelRow
	}{{"By name, wherever launched", m.r.Kernels}, {"Memory operations", m.r.MemOps}} {
		if len(t.rows) == 0 {
			continue
		}
		mock, e2e := sideNames(m.r)
		rows, left := top(t.rows, m.options.Top)
		m.print("\n<details><summary>", t.title, "</summary>\n\n")
		m.row("Name", mock+" n", "Total", "Avg", "Median", "Min", "Max", "StdDev", "Share",
			e2e+" n", "Total", "Avg", "Median", "Min", "Max", "StdDev", "Share", "Ratio")
		m.rule("lrrrrrrrrrrrrrrrrr")
		for _, k := range rows {
			unit := scaleFor(rowTimes(k.Mock, k.E2E)...)
			cells := []string{m.name(k.Name)}
			cells = append(cells, sideCells(unit, k.Mock, k.MockShare)...)
			cells = append(cells, sideCells(unit, k.E2E, k.E2EShare)...)
			x := ""
			if k.Ratio != nil {
				x = ratio(*k.Ratio)
			}
			m.row(append(cells, x)...)
		}
		m.restNote(left)
		m.print("\n</details>\n")
	}
}

// rowTimes returns the times that the unit of a row is chosen by.
func rowTimes(samples ...*align.Sample) []float64 {
	var ns []float64
	for _, s := range samples {
		if s != nil {
			ns = append(ns, float64(s.MinNS), s.MedianNS, s.MeanNS)
		}
	}
	return ns
}

func sideCells(unit scale, s *align.Sample, share float64) []string {
	if s == nil {
		return []string{"0", "", "", "", "", "", "", ""}
	}
	return []string{thousands(int64(s.N)), duration(float64(s.TotalNS)), unit.time(s.MeanNS), unit.time(s.MedianNS),
		unit.time(float64(s.MinNS)), unit.time(float64(s.MaxNS)), unit.time(s.StddevNS), percent(share)}
}

func (m *markdownPrinter) restNote(left int) {
	if left > 0 {
		m.print("\n", fmt.Sprintf("%s left out.\n", count(left, "more row", "more rows")))
	}
}

func (m *markdownPrinter) reportTable(what string, list []align.KernelRow) {
	m.row("Time", "Total Time", "Instances", "Avg", "Med", "Min", "Max", "StdDev", what)
	m.rule("rrrrrrrrl")
	rows, left := top(list, m.options.Top)
	for _, k := range rows {
		s := k.Mock
		if s == nil {
			continue
		}
		unit := scaleFor(rowTimes(s)...)
		m.row(percent(k.MockShare), duration(float64(s.TotalNS)), thousands(int64(s.N)), unit.time(s.MeanNS), unit.time(s.MedianNS),
			unit.time(float64(s.MinNS)), unit.time(float64(s.MaxNS)), unit.time(s.StddevNS), m.name(k.Name))
	}
	m.restNote(left)
}

// mdNames returns the names of all kernels of a result as cells of tables.
func mdNames(r *align.Result) map[string]string {
	names := kernelNames(r)
	clean := make([]string, len(names))
	for i, name := range names {
		clean[i] = Clean(name)
	}
	cells := make(map[string]string, len(names))
	for i, fit := range fitNames(clean, markdownName) {
		cells[names[i]] = mdName(fit)
	}
	return cells
}

// mdName returns a name as a cell of a table.
func mdName(name string) string {
	if strings.Contains(name, `\|`) {
		// In a table a pipe is escaped by a backslash, code or not, and
		// code cannot escape the backslash before it.
		return mdText(name)
	}
	return strings.ReplaceAll(mdCode(name), "|", `\|`)
}

// mdCode returns s as a code span, fenced by more backticks than it contains
// in a row (CommonMark 0.31, section 6.1).
func mdCode(s string) string {
	s = Clean(s)
	if strings.TrimSpace(s) == "" {
		return mdText(s)
	}
	run, longest := 0, 0
	for _, r := range s {
		if r == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	fence := strings.Repeat("`", longest+1)
	if longest > 0 {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}

// mdText returns s as text that nothing in it can format: no HTML, no links,
// no mentions.
func mdText(s string) string {
	var b strings.Builder
	for _, r := range Clean(s) {
		switch r {
		case '\\', '`', '*', '_', '[', ']', '<', '>', '|', '~', '#', '$', '&':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '@':
			b.WriteString("&#64;")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
