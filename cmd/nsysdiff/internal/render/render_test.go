package render

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// results are stored results, one for each mode, with every verdict in them.
func results() []string { return []string{"compare", "regression", "report"} }

func load(t testing.TB, name string) *align.Result {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	r := new(align.Result)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		t.Fatal(err)
	}
	return r
}

func render(t testing.TB, format string, r *align.Result, o Options) string {
	t.Helper()
	f, ok := Lookup(format)
	if !ok {
		t.Fatalf("no format %q", format)
	}
	var b bytes.Buffer
	if err := f.Write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	for _, name := range results() {
		for _, format := range []string{"text", "markdown", "csv"} {
			t.Run(name+"/"+format, func(t *testing.T) {
				golden(t, name+"."+format, render(t, format, load(t, name), Options{}))
			})
		}
	}
	t.Run("narrow", func(t *testing.T) {
		golden(t, "compare.text60", render(t, "text", load(t, "compare"), Options{Width: 60}))
	})
	t.Run("color", func(t *testing.T) {
		golden(t, "compare.color", render(t, "text", load(t, "compare"), Options{Color: true}))
	})
	t.Run("top", func(t *testing.T) {
		golden(t, "report.top", render(t, "text", load(t, "report"), Options{Top: 2}))
	})
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// TestJSONRoundTrip holds the promise that a stored result renders as it did
// at first.
func TestJSONRoundTrip(t *testing.T) {
	for _, name := range results() {
		r := load(t, name)
		r.Sites = append(r.Sites, align.Site{Index: len(r.Sites), MockName: "\x1b[31m\u202e\u0085<&>\U000e0001", Verdict: align.Extra})
		text := render(t, "json", r, Options{})
		back := new(align.Result)
		if err := json.Unmarshal([]byte(text), back); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, back); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		for _, f := range Formats() {
			if d := cmp.Diff(render(t, f.Name, r, Options{}), render(t, f.Name, back, Options{})); d != "" {
				t.Errorf("%s as %s (-first +again):\n%s", name, f.Name, d)
			}
		}
	}
}

// TestWidth holds text to the width that it is given, whatever it is, and
// numbers to being whole.
func TestWidth(t *testing.T) {
	hostile := load(t, "compare")
	for i := range hostile.Sites {
		hostile.Sites[i].MockName = strings.Repeat("名前<wide>", 20)
	}
	hostile.Mock.Path = strings.Repeat("long/", 60)
	for name, r := range map[string]*align.Result{
		"compare": load(t, "compare"), "regression": load(t, "regression"), "report": load(t, "report"), "wide names": hostile,
	} {
		for w := 40; w <= 200; w++ {
			for i, line := range strings.Split(render(t, "text", r, Options{Width: w}), "\n") {
				if got := width(line); got > w {
					t.Errorf("%s at %d columns: line %d takes %d: %q", name, w, i+1, got, line)
				}
			}
		}
	}
	// The medians of the sites, whole, at every width.
	r := load(t, "compare")
	for w := 40; w <= 200; w++ {
		text := render(t, "text", r, Options{Width: w})
		for i := range r.Sites {
			for _, x := range siteTimes(&r.Sites[i]) {
				if !strings.Contains(text, x) {
					t.Errorf("at %d columns: no %q", w, x)
				}
			}
		}
	}
}

// TestHostile puts into every string of a result what a terminal, a Markdown
// viewer or a spreadsheet might act on, and looks at the bytes that come out.
func TestHostile(t *testing.T) {
	for _, bad := range []string{
		"\x1b[2J\x1b]0;title\x07", "\u202egnp.exe\u202c", "a\nb\r\nc", "tab\there", "bell\a\b\b\b", "\x9b31m", "\u009b31m",
		"zero\u200bwidth\u2066", "bad\xff\xfeutf8", "nul\x00", "|pipe|`tick`", "<script>alert(1)</script>", "=1+1", "@SUM(A1)", "\u2028line",
	} {
		for _, name := range results() {
			r := load(t, name)
			for i := range r.Sites {
				s := &r.Sites[i]
				s.MockName, s.E2EName, s.Reason, s.Module, s.NVTX = bad, bad+"2", bad, bad, []string{bad}
			}
			for i := range r.Kernels {
				r.Kernels[i].Name = bad
			}
			for i := range r.MemOps {
				r.MemOps[i].Name = bad
			}
			for i := range r.Findings {
				f := &r.Findings[i]
				f.Message, f.Hint = bad, bad
			}
			for i := range r.Causes {
				c := &r.Causes[i]
				c.Message, c.Fix, c.Evidence = bad, bad, []string{bad}
			}
			for i := range r.Checklist {
				r.Checklist[i].Detail = bad
			}
			for i := range r.Before {
				r.Before[i].Name = bad
			}
			for _, s := range []*align.Side{r.Mock, r.E2E} {
				if s != nil {
					s.Path, s.Tool, s.GPUs, s.StepKind = bad, bad, []string{bad}, bad
					s.LeftOut, s.Warnings, s.Diagnostics = []string{bad}, []string{bad}, []string{bad}
				}
			}
			for _, f := range Formats() {
				text := render(t, f.Name, r, Options{})
				text = strings.ReplaceAll(text, "\r\n", "\n") // CSV ends its lines so
				for line := range strings.SplitSeq(text, "\n") {
					if Clean(line) != line && !strings.Contains(line, "️") {
						t.Errorf("%s of %s with %q: raw %q", f.Name, name, bad, line)
					}
				}
				if f.Name == "markdown" && strings.Contains(text, "\n\n|") && regexp.MustCompile("(?i)(^|[^\\\\`])<script").MatchString(text) {
					t.Errorf("markdown with %q holds HTML", bad)
				}
			}
		}
	}
}

func TestMarkdownTables(t *testing.T) {
	r := load(t, "compare")
	r.Sites[0].MockName = "a|b`c``d\ne\\|f"
	r.Sites[1].MockName = "`tick|pipe`"
	text := render(t, "markdown", r, Options{})
	lines := strings.Split(text, "\n")
	if want := "| Kernel | Mock Layer | E2E Model | Match |"; lines[0] != want {
		t.Errorf("first line %q, want %q", lines[0], want)
	}
	if !strings.Contains(text, "| 25.20 ms | 3.15 ms | ❌") {
		t.Error("no row with 25.20 ms against 3.15 ms")
	}
	// Every row of a table has as many cells as the rule below its header.
	cells := func(line string) int { return len(regexp.MustCompile(`(?:\\.|[^|\\])+`).FindAllString(line, -1)) - 0 }
	want := 0
	for i, line := range lines {
		if !strings.HasPrefix(line, "|") {
			want = 0
			continue
		}
		if want == 0 {
			want = cells(line)
		}
		if got := cells(line); got != want {
			t.Errorf("line %d has %d cells, want %d: %s", i+1, got, want, line)
		}
	}
}

func TestCSVGuard(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"kernel", "kernel"},
		{"=1+1", "'=1+1"},
		{"+1", "'+1"},
		{"-1", "'-1"},
		{"@SUM(A1)", "'@SUM(A1)"},
		{"\t=1", `\t=1`},
		{"\r=1", `\r=1`},
		{"", ""},
	} {
		if got := csvText(tt.in); got != tt.want {
			t.Errorf("csvText(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestFormatsAreNamedOnce(t *testing.T) {
	var names []string
	for _, f := range Formats() {
		if f.Name == "" || f.About == "" || f.Write == nil {
			t.Errorf("incomplete format %+v", f)
		}
		names = append(names, f.Name)
	}
	slices.Sort(names)
	if n := len(slices.Compact(slices.Clone(names))); n != len(names) {
		t.Errorf("formats %v are not unique", names)
	}
}

func TestBareName(t *testing.T) {
	for _, tt := range []struct{ in, want, reason string }{
		{"nvjet_sm90_tst_256x128", "nvjet_sm90_tst_256x128", "nothing to leave out"},
		{"void gemv<float, 4>(float*)", "gemv<float, 4>", "return type and parameters"},
		{"void at::native::f<a<b>, (c)1>(d<e>, int)", "f<a<b>, (c)1>", "nested"},
		{"void (anonymous namespace)::softmax<2>(int)", "softmax<2>", "anonymous namespaces are no parameters"},
		{"a::b<1>::c<2>(int)", "c<2>", "arguments in the middle"},
		{"operator>>(int)", "operator>>(int)", "unbalanced stays"},
		{"(int)", "(int)", "nothing left stays"},
		{"", "", "empty"},
	} {
		if got := bareName(tt.in); got != tt.want {
			t.Errorf("bareName(%q) = %q, want %q (%s)", tt.in, got, tt.want, tt.reason)
		}
	}
}

func TestFitNames(t *testing.T) {
	long := []string{
		"void tensorrt_llm::kernels::generalRmsNorm<__nv_bfloat16, (int)7168>(float *, int)",
		"void tensorrt_llm::kernels::generalRmsNorm<__nv_bfloat16, (int)1536>(float *, int)",
		"void at::native::vectorized_elementwise_kernel<(int)4, at::native::CUDAFunctor_add<float>, std::array<char *, 3>>(int)",
	}
	for _, tt := range []struct {
		n    int
		want []string
	}{
		{40, []string{"generalRmsNorm<__nv_bfloat16, (int)7168>", "generalRmsNorm<__nv_bfloat16, (int)1536>", "elementwise<add>"}},
		{24, []string{"generalRmsNorm […7168…]", "generalRmsNorm […1536…]", "elementwise<add>"}},
		{16, []string{"gene…orm […7…8…]", "gene…orm […1…6…]", "elementwise<add>"}},
		{12, []string{"gene…Norm #1", "gene…Norm #2", "elemen…<add>"}},
	} {
		if d := cmp.Diff(tt.want, fitNames(long, tt.n)); d != "" {
			t.Errorf("in %d columns (-want +got):\n%s", tt.n, d)
		}
	}
}

// TestFitNamesRepeated: what a name is shown as does not depend on how often it
// is there.
func TestFitNamesRepeated(t *testing.T) {
	names := []string{
		"void a::generalRmsNorm<__nv_bfloat16, (int)7168>(float *, int)", "short",
		"void a::generalRmsNorm<__nv_bfloat16, (int)1536>(float *, int)", "void b<(int)1, c::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>()",
		"void b<(int)2, c::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>()",
	}
	once := fitNames(names, 24)
	if d := cmp.Diff([]string{"generalRmsNorm […7168…]", "short", "generalRmsNorm […1536…]"}, once[:3]); d != "" {
		t.Errorf("once (-want +got):\n%s", d)
	}
	twice := fitNames(slices.Concat(names, names[1:]), 24)
	if d := cmp.Diff(slices.Concat(once, once[1:]), twice); d != "" {
		t.Errorf("again (-want +got):\n%s", d)
	}
}

// TestNamesApart: no format shows two kernels as one.
func TestNamesApart(t *testing.T) {
	const name = "void a::flash<Traits<(int)128, (int)64, (int)128, (int)128, (int)128, (int)128, (int)128, (int)128, (int)128>>(Params)"
	other := strings.Replace(name, "(int)64", "(int)32", 1)
	sample := &align.Sample{N: 10, TotalNS: 10_000, MedianNS: 1000}
	r := &align.Result{
		Mode: align.ModeCompare, Verdict: align.Misaligned, Mock: &align.Side{}, E2E: &align.Side{},
		Sites: []align.Site{
			{Index: 0, E2EName: name, Verdict: align.Missing, E2E: sample, Present: 1},
			{Index: 1, MockName: other, Verdict: align.Extra, Mock: sample},
		},
		Kernels: []align.KernelRow{{Name: name, E2E: sample}, {Name: other, Mock: sample}},
		Before:  []align.Neighbour{{Name: name}},
	}
	for _, f := range []string{"text", "markdown", "html"} {
		format, _ := Lookup(f)
		var b strings.Builder
		if err := format.Write(&b, r, Options{}); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"flash […64…]", "flash […32…]"} {
			if n := strings.Count(b.String(), want); n < 2 {
				t.Errorf("%s shows %q %d times, want it in both tables:\n%s", f, want, n, b.String())
			}
		}
	}
}

func TestTold(t *testing.T) {
	got := told([]string{"a.", "b", "a.", "", "c..", "a.", "b", "a"})
	if d := cmp.Diff([]string{"a (3 times)", "b (2 times)", "", "c..", "a"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestFloat holds the way of writing floats that is taken for most to the other.
func TestFloat(t *testing.T) {
	for _, x := range append(oddFloats(), math.NaN(), math.Inf(1), math.Inf(-1)) {
		if got, want := float(x), strconv.FormatFloat(x, 'f', -1, 64); got != want {
			t.Errorf("%g: %q, want %q", x, got, want)
		}
	}
}

// TestPieces: what is made in pieces is what is made of each site by itself.
func TestPieces(t *testing.T) {
	n := 3*inOnePiece + 1
	r := random(1, n)
	r.Mode = align.ModeRegression
	text := render(t, "csv", r, Options{})
	var want strings.Builder
	for i := range r.Sites {
		one := *r
		one.Sites = r.Sites[i : i+1]
		rows := render(t, "csv", &one, Options{})
		header, row, _ := strings.Cut(rows, "\r\n")
		if i == 0 {
			want.WriteString(header + "\r\n")
		}
		want.WriteString(row)
	}
	if d := cmp.Diff(want.String(), text); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestCutMiddle(t *testing.T) {
	for _, tt := range []struct {
		in   string
		n    int
		want string
	}{
		{"abcdefghij", 10, "abcdefghij"},
		{"abcdefghij", 5, "ab…ij"},
		{"abcdefghij", 4, "ab…j"},
		{"abcdefghij", 1, "…"},
		{"abcdefghij", 0, ""},
		{"名前名前名前", 6, "名…前"},
	} {
		if got := cutMiddle(tt.in, tt.n); got != tt.want {
			t.Errorf("cutMiddle(%q, %d) = %q, want %q", tt.in, tt.n, got, tt.want)
		}
	}
}

func TestScale(t *testing.T) {
	for _, tt := range []struct {
		ns   []float64
		want []string
	}{
		{[]float64{25.2e6, 24.98e6}, []string{"25.20 ms", "24.98 ms"}},
		{[]float64{124300, 1.0403e6}, []string{"124.30 µs", "1040.30 µs"}},
		{[]float64{900, 0}, []string{"900 ns", "0 ns"}},
		{[]float64{1.5e9}, []string{"1.50 s"}},
	} {
		unit := scaleFor(tt.ns...)
		for i, v := range tt.ns {
			if got := unit.time(v); got != tt.want[i] {
				t.Errorf("%v: %q, want %q", tt.ns, got, tt.want[i])
			}
		}
	}
}

func TestFold(t *testing.T) {
	r := load(t, "compare")
	match := r.Sites[0]
	for i := len(r.Sites); i < 5000; i++ {
		match.Index = i
		r.Sites = append(r.Sites, match)
	}
	text := render(t, "text", r, Options{})
	if want := fmt.Sprintf("… %d sites match", 5000-len(load(t, "compare").Sites)); !strings.Contains(text, want) {
		t.Errorf("no line %q", want)
	}
}

func TestSiteList(t *testing.T) {
	for _, tt := range []struct {
		in   []int
		want string
	}{
		{[]int{3}, "site 3"},
		{[]int{3, 4}, "sites 3, 4"},
		{[]int{1, 3, 4, 5, 9}, "sites 1, 3-5, 9"},
	} {
		if got := siteList(tt.in); got != tt.want {
			t.Errorf("siteList(%v) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// TestSiteShare: the shares of a column are all of one side where they can be.
func TestSiteShare(t *testing.T) {
	sample := &align.Sample{N: 1}
	for _, tt := range []struct {
		reason string
		site   align.Site
		want   float64
	}{
		{"both sides", align.Site{Mock: sample, E2E: sample, MockShare: 0.9, E2EShare: 0.5}, 0.5},
		{"missing", align.Site{E2E: sample, E2EShare: 0.2}, 0.2},
		{"extra", align.Site{Mock: sample, MockShare: 0.1}, 0.1},
	} {
		if got := siteShare(&tt.site); got != tt.want {
			t.Errorf("%s: %g, want %g", tt.reason, got, tt.want)
		}
	}
}

// TestSitePresence: a site that is not in each occurrence shows in how many it is.
func TestSitePresence(t *testing.T) {
	sample := &align.Sample{N: 10, TotalNS: 10_000, MedianNS: 1000}
	r := &align.Result{
		Mode: align.ModeCompare, Verdict: align.Misaligned, Mock: &align.Side{}, E2E: &align.Side{},
		Sites: []align.Site{
			{Index: 0, E2EName: "a", Verdict: align.Missing, E2E: sample, Present: 0.75},
			{Index: 1, MockName: "b", E2EName: "b", Verdict: align.Match, Mock: sample, E2E: sample, Present: 1},
			{Index: 2, MockName: "c", Verdict: align.Extra, Mock: sample},
		},
	}
	for mode, want := range map[align.Mode]string{align.ModeCompare: "in 75.0% of the occurrences", align.ModeRegression: "in 75.0% of the steps"} {
		r.Mode = mode
		for format, n := range map[string]int{"markdown": 1, "html": 2} { // a page has its data too
			if got := render(t, format, r, Options{}); strings.Count(got, want) != n || strings.Count(got, "% of the ") != n {
				t.Errorf("%s: want %q %d times in\n%s", format, want, n, got)
			}
		}
	}
}
