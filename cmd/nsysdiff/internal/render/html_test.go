package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/nsysdiff/nsysdiff/align"
)

// hostile is what a name may hold to break out of a page, or to mislead.
const hostile = `</script><script>alert(1)</script><img src=x onerror="alert(2)">'"` + "`${alert(3)}`{{.}}<!--]]>\u2028\u202e\x00\x1b[31m&lt;"

// drawn returns a result of n sites with all that the page can draw: every
// seventh site is slower, and some are missing or extra.
func drawn(t testing.TB, n int) *align.Result {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	r := load(t, "compare")
	r.Sites, r.Findings = nil, r.Findings[:1]
	r.Findings[0].Sites = nil
	mock, e2e := &align.Timeline{Occurrences: 1}, &align.Timeline{Occurrences: 2}
	sample := func(median float64) *align.Sample {
		s := &align.Sample{N: 400, MedianNS: median, MeanNS: median * 1.01, StddevNS: median / 20, LoNS: median * 0.99, HiNS: median * 1.01}
		for range 128 {
			s.Values = append(s.Values, int64(median*(0.9+0.2*random.Float64())))
		}
		slices.Sort(s.Values)
		s.MinNS, s.MaxNS = s.Values[0], s.Values[127]
		s.P5NS, s.P95NS = float64(s.Values[6]), float64(s.Values[121])
		for range 64 {
			s.Steps = append(s.Steps, median*(0.95+0.1*random.Float64()))
		}
		return s
	}
	launch := func(line *align.Timeline, site, occurrence int, ns float64) {
		line.Launches = append(line.Launches, align.TimedLaunch{Site: site, Occurrence: occurrence, StartNS: line.SpanNS, DurationNS: int64(ns)})
		line.SpanNS += int64(ns) + 500
	}
	for i := range n {
		median := 2000 + 50_000*random.Float64()
		name := fmt.Sprintf("void ns::kernel_%d<float, (int)%d, ns::Policy<(bool)1>>(float*, int)", i%97, i%97)
		s := align.Site{Index: i, MockName: name, E2EName: name, Family: name, Verdict: align.Match, Present: 1,
			MockShare: 1 / float64(n), E2EShare: 1 / float64(n), Module: fmt.Sprintf("layer %d", i/100),
			NVTX: []string{"forward #", fmt.Sprintf("layer %d", i/100)}, Mock: sample(median), E2E: sample(median),
			MockLaunch: &align.Geometry{Grid: [3]int32{64, 1, 1}, Block: [3]int32{256, 1, 1}}, E2ELaunch: &align.Geometry{Grid: [3]int32{64, 1, 1}, Block: [3]int32{256, 1, 1}}}
		ratio := 0.95 + 0.1*random.Float64()
		switch {
		case i%7 == 3:
			s.Verdict, s.Reason, ratio = align.Slower, "more than 2 times as long", 2.5
			s.Mock = sample(2.5 * median)
		case i%41 == 5:
			s.Verdict, s.MockName, s.Mock, s.MockLaunch, ratio = align.Missing, "", nil, nil, 0
		case i%41 == 6:
			s.Verdict, s.E2EName, s.E2E, s.E2ELaunch, ratio = align.Extra, "", nil, nil, 0
		}
		if ratio > 0 {
			lo, hi := ratio*0.98, ratio*1.02
			s.Ratio, s.RatioLo, s.RatioHi = &ratio, &lo, &hi
		}
		if s.Mock != nil {
			launch(mock, i, 0, s.Mock.MedianNS)
		}
		r.Sites = append(r.Sites, s)
	}
	e2e.Launches, e2e.SpanNS = []align.TimedLaunch{{Site: -1, Occurrence: -1, Name: "before", DurationNS: 1500}}, 2000
	for k := range 2 {
		for i := range r.Sites {
			if s := &r.Sites[i]; s.E2E != nil {
				launch(e2e, i, k, s.E2E.MedianNS)
			}
		}
	}
	r.Mock.Timeline, r.E2E.Timeline = mock, e2e
	return r
}

// hostileResult has hostile text wherever a report may put text.
func hostileResult(t testing.TB) *align.Result {
	r := drawn(t, 12)
	long := strings.Repeat("very::long<", 740) + strings.Repeat(">", 740)
	for i := range r.Sites {
		s := &r.Sites[i]
		s.Module, s.Reason, s.NVTX = hostile, hostile, []string{hostile, long}
		if s.MockName != "" {
			s.MockName = hostile + fmt.Sprint(i)
		}
		if s.E2EName != "" {
			s.E2EName = long + hostile
		}
	}
	r.E2E.Timeline.Launches[0].Name = hostile
	for i := range r.Kernels {
		r.Kernels[i].Name = hostile + fmt.Sprint(i)
	}
	for i := range r.Findings {
		r.Findings[i].Message, r.Findings[i].Hint = hostile, hostile
	}
	for i := range r.Causes {
		r.Causes[i].Message, r.Causes[i].Fix, r.Causes[i].Evidence = hostile, hostile, []string{hostile, long}
	}
	for i := range r.Checklist {
		r.Checklist[i].Detail = hostile
	}
	for _, s := range []*align.Side{r.Mock, r.E2E} {
		s.Path, s.Driver, s.GPUs = "/data/"+hostile, hostile, []string{hostile}
		s.Warnings, s.LeftOut, s.Diagnostics = []string{hostile}, []string{hostile}, []string{hostile}
	}
	return r
}

// pages are results of every shape that a page can have.
func pages(t testing.TB) map[string]*align.Result {
	return map[string]*align.Result{
		"compare": load(t, "compare"), "regression": load(t, "regression"), "report": load(t, "report"),
		"not comparable": notComparable(), "drawn": drawn(t, 60), "hostile": hostileResult(t),
	}
}

func parsePage(t testing.TB, r *align.Result, o Options) (*html.Node, string) {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, r, o); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return doc, b.String()
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func content(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// checkBalance holds a page to closing what it opens, in order: a parser would
// mend it and say nothing.
func checkBalance(t *testing.T, text string) {
	t.Helper()
	void := []string{"meta", "link", "input", "img", "br"}
	var open []string
	z := html.NewTokenizer(strings.NewReader(text))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if len(open) > 0 {
				t.Errorf("not closed: %q", open)
			}
			return
		case html.StartTagToken:
			if name, _ := z.TagName(); !slices.Contains(void, string(name)) {
				open = append(open, string(name))
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if len(open) == 0 || open[len(open)-1] != string(name) {
				t.Fatalf("</%s> in %q", name, open)
			}
			open = open[:len(open)-1]
		}
	}
}

// TestHTMLValid holds the page to rules of HTML and of accessibility that can
// be told without a browser.
func TestHTMLValid(t *testing.T) {
	for name, r := range pages(t) {
		t.Run(name, func(t *testing.T) {
			doc, text := parsePage(t, r, Options{Version: "v1.2.3", Command: []string{"nsysdiff", "a b.sqlite"}})
			checkBalance(t, text)
			if !strings.HasPrefix(text, "<!doctype html>") {
				t.Errorf("begins with %.40q", text)
			}
			ids := map[string]bool{}
			var anchors, labels []string
			level := 0
			for n := range doc.Descendants() {
				if n.Type != html.ElementNode {
					continue
				}
				seen := map[string]bool{}
				for _, a := range n.Attr {
					if seen[a.Key] {
						t.Errorf("<%s> has %s twice", n.Data, a.Key)
					}
					seen[a.Key] = true
				}
				if id, ok := attr(n, "id"); ok {
					if ids[id] || id == "" || strings.ContainsAny(id, " \t\n") {
						t.Errorf("id %q again, or not one", id)
					}
					ids[id] = true
				}
				if href, ok := attr(n, "href"); ok && n.DataAtom == atom.A {
					anchors = append(anchors, href)
				}
				if id, ok := attr(n, "aria-labelledby"); ok {
					labels = append(labels, id)
				}
				if tab, ok := attr(n, "tabindex"); ok && tab == "0" {
					role, _ := attr(n, "role")
					if label, ok := attr(n, "aria-label"); !ok || label == "" || role == "" {
						t.Errorf("<%s> takes the focus without a role and a name", n.Data)
					}
				}
				switch n.DataAtom {
				case atom.H1, atom.H2, atom.H3, atom.H4:
					h := int(n.Data[1] - '0')
					if h > level+1 {
						t.Errorf("<%s> after <h%d>", n.Data, level)
					}
					level = h
				case atom.Th:
					if scope, _ := attr(n, "scope"); scope == "" {
						t.Errorf("<th> %q without scope", content(n))
					}
				case atom.Button:
					label, _ := attr(n, "aria-label")
					id, _ := attr(n, "id")
					if strings.TrimSpace(content(n)) == "" && label == "" && id != "all-occurrences" { // hidden until it has a name
						t.Error("a button without a name")
					}
				}
			}
			for _, a := range anchors {
				if !strings.HasPrefix(a, "#") || !ids[a[1:]] {
					t.Errorf("a link to %q, which is not in the page", a)
				}
			}
			for _, id := range labels {
				if !ids[id] {
					t.Errorf("labelled by %q, which is not in the page", id)
				}
			}
		})
	}
}

// TestHTMLSelfContained holds the page to needing nothing from elsewhere, and
// to no script but its own.
func TestHTMLSelfContained(t *testing.T) {
	for name, r := range pages(t) {
		doc, _ := parsePage(t, r, Options{})
		policy := false
		scripts := 0
		for n := range doc.Descendants() {
			if n.Type == html.CommentNode {
				t.Errorf("%s: a comment %q", name, n.Data)
			}
			if n.Type != html.ElementNode {
				continue
			}
			for _, a := range n.Attr {
				switch {
				case strings.HasPrefix(a.Key, "on"):
					t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
				case a.Key == "src" || a.Key == "srcset" || a.Key == "action":
					t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
				case a.Key == "href" && n.DataAtom == atom.Link && !strings.HasPrefix(a.Val, "data:"):
					t.Errorf("%s: <link href=%q>", name, a.Val)
				case a.Key == "http-equiv" && a.Val == "Content-Security-Policy":
					policy = true
				}
			}
			switch n.DataAtom {
			case atom.Img, atom.Iframe, atom.Object, atom.Embed, atom.Form, atom.Base:
				t.Errorf("%s: <%s>", name, n.Data)
			case atom.Script:
				scripts++
				if kind, _ := attr(n, "type"); kind == "" && content(n) != pageScript {
					t.Errorf("%s: a script that is not the page's: %.80q", name, content(n))
				}
			case atom.Style:
				if content(n) != pageStyle {
					t.Errorf("%s: a style that is not the page's", name)
				}
			}
		}
		if scripts != 2 || !policy {
			t.Errorf("%s: %d scripts, want data and script; policy %v", name, scripts, policy)
		}
	}
	for _, s := range []string{"http:", "https:", "@import", "url("} {
		if strings.Contains(strings.ReplaceAll(pageStyle, "url(#hatch)", ""), s) || strings.Contains(strings.ReplaceAll(pageScript, "http://www.w3.org/2000/svg", ""), s) {
			t.Errorf("style or script holds %q", s)
		}
	}
	for _, s := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("} {
		if strings.Contains(pageScript, s) {
			t.Errorf("the script uses %s, which takes markup", s)
		}
	}
}

// TestHTMLText holds names to being text, shown as they are and by themselves.
func TestHTMLText(t *testing.T) {
	doc, text := parsePage(t, hostileResult(t), Options{Version: hostile, Command: []string{"nsysdiff", hostile}})
	for i, r := range text {
		if r != '\n' && !strconv.IsPrint(r) {
			t.Fatalf("raw %q in %.80q", r, text[max(0, i-40):])
		}
	}
	if shown := content(doc); !strings.Contains(shown, Clean(hostile)+"0") {
		t.Error("a hostile name is not shown as it is")
	}
	for n := range doc.Descendants() {
		if n.Type != html.TextNode || !strings.Contains(n.Data, "very::long") || n.Parent.DataAtom == atom.Script {
			continue
		}
		if n.Parent.DataAtom != atom.Bdi {
			t.Errorf("a name in <%s>, not by itself", n.Parent.Data)
		}
	}
	var data htmlData
	for n := range doc.Descendants() {
		if id, _ := attr(n, "id"); id == "data" {
			if err := json.Unmarshal([]byte(content(n)), &data); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !slices.Contains(data.Names, Clean(hostile)+"0") {
		t.Errorf("the data's names: %.200q", data.Names)
	}
}

// TestHTMLTable holds the table of sites to the result, for readers without
// JavaScript.
func TestHTMLTable(t *testing.T) {
	for name, r := range pages(t) {
		doc, _ := parsePage(t, r, Options{})
		rows := map[string][]string{}
		for n := range doc.Descendants() {
			if _, ok := attr(n, "data-v"); ok && n.DataAtom == atom.Tr {
				id, _ := attr(n, "id")
				for c := range n.ChildNodes() {
					rows[id] = append(rows[id], content(c))
				}
			}
		}
		if len(rows) != len(r.Sites) {
			t.Errorf("%s: %d rows, want %d", name, len(rows), len(r.Sites))
		}
		for i := range r.Sites {
			s := &r.Sites[i]
			row := rows[fmt.Sprintf("s%d", s.Index)]
			times := siteTimes(s)
			want := []string{fmt.Sprint(s.Index), times[0], times[1], siteRatio(s), siteInterval(s), percent(siteShare(s))}
			if len(row) != 8 {
				t.Errorf("%s: site %d has cells %q", name, i, row)
				continue
			}
			if d := cmp.Diff(want, slices.Concat(row[:1], row[2:7])); d != "" {
				t.Errorf("%s: site %d (-want +got):\n%s", name, i, d)
			}
			if !strings.Contains(row[7], verdictWord(r, s.Verdict)) || !strings.Contains(row[7], siteMark(r, s.Verdict).text()) {
				t.Errorf("%s: site %d says %q", name, i, row[7])
			}
		}
	}
}

// TestHTMLSize holds the page of many sites to a size that opens.
func TestHTMLSize(t *testing.T) {
	for _, tt := range []struct{ sites, bytes int }{{10, 150_000}, {5000, 10_000_000}} {
		r := drawn(t, tt.sites)
		_, text := parsePage(t, r, Options{})
		if len(text) > tt.bytes {
			t.Errorf("%d sites take %d bytes, want at most %d", tt.sites, len(text), tt.bytes)
		}
	}
}

// TestHTMLData reads what the drawings are made from back into what it was.
func TestHTMLData(t *testing.T) {
	r := drawn(t, 60)
	d := newHTMLData(r, newNameTable())
	d.Sites = d.sites(0, len(r.Sites))
	sums := func(differences []float64) []int64 {
		var out []int64
		last := 0.0
		for _, x := range differences {
			last += x
			out = append(out, int64(last))
		}
		return out
	}
	for i := range r.Sites {
		for _, x := range []struct {
			sample *align.Sample
			data   *dataSample
		}{{r.Sites[i].Mock, d.Sites[i].MockSample}, {r.Sites[i].E2E, d.Sites[i].E2ESample}} {
			if x.sample == nil {
				if x.data != nil {
					t.Errorf("site %d has data of a side that it has not", i)
				}
				continue
			}
			if d := cmp.Diff(x.sample.Values, sums(x.data.Values)); d != "" {
				t.Errorf("site %d (-want +got):\n%s", i, d)
			}
		}
	}
	var back []align.TimedLaunch
	start := int64(0)
	for k := 0; k < len(d.E2E.Launches); k += 4 {
		x := d.E2E.Launches[k : k+4]
		start += x[2]
		l := align.TimedLaunch{Site: int(x[0]), Occurrence: int(x[1]), StartNS: start, DurationNS: x[3]}
		if x[0] < 0 {
			l.Site, l.Name = -1, d.E2E.Names[-1-x[0]]
		}
		back = append(back, l)
	}
	if d := cmp.Diff(r.E2E.Timeline.Launches, back); d != "" {
		t.Errorf("timeline (-want +got):\n%s", d)
	}
}

func TestDifferences(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		n      int
		want   []float64
	}{
		{nil, 4, nil},
		{[]float64{5}, 4, []float64{5}},
		{[]float64{5.4, 7, 6}, 4, []float64{5, 2, -1}},
		{[]float64{1, 2, 3, 4, 5}, 3, []float64{1, 2, 2}},
		{[]float64{1, 2, 3}, 1, []float64{1}},
	} {
		if d := cmp.Diff(tt.want, differences(tt.values, tt.n)); d != "" {
			t.Errorf("%v, %d (-want +got):\n%s", tt.values, tt.n, d)
		}
	}
}

func TestShellCommand(t *testing.T) {
	for want, args := range map[string][]string{
		"":                                   nil,
		"nsysdiff a.sqlite b.sqlite":         {"nsysdiff", "a.sqlite", "b.sqlite"},
		"nsysdiff --kernel 'gemm|norm' ''":   {"nsysdiff", "--kernel", "gemm|norm", ""},
		`nsysdiff 'it'\''s.sqlite'`:          {"nsysdiff", "it's.sqlite"},
		`nsysdiff --e2e-nvtx '*8 gen reqs'`:  {"nsysdiff", "--e2e-nvtx", "*8 gen reqs"},
		`nsysdiff '$HOME' '~' '\x1b' '\x00'`: {"nsysdiff", "$HOME", "~", "\x1b", "\x00"},
	} {
		if got := shellCommand(args); got != want {
			t.Errorf("%q: %s, want %s", args, got, want)
		}
	}
}

// TestHTMLGolden keeps the page of each mode as it is, but for the assets,
// which change more often than what they show.
func TestHTMLGolden(t *testing.T) {
	for _, name := range results() {
		text := render(t, "html", load(t, name), Options{Version: "v1.2.3", Command: []string{"nsysdiff", "--format", "html", "mock.sqlite", "e2e.sqlite"}})
		text = strings.Replace(text, pageStyle, "\n", 1)
		text = strings.Replace(text, pageScript, "\n", 1)
		text = strings.Replace(text, strings.NewReplacer("'", "&#39;", "+", "&#43;").Replace(contentPolicy()), "policy", 1)
		golden(t, name+".html", text)
	}
}

func FuzzHTML(f *testing.F) {
	f.Add(hostile, "</style>")
	f.Add("]]>", "\xff\xfe")
	f.Fuzz(func(t *testing.T, a, b string) {
		r := load(t, "compare")
		r.Sites[0].MockName, r.Sites[0].Module = a, b
		r.Sites[1].E2EName, r.Sites[1].NVTX = b, []string{a}
		r.Mock.Path, r.Mock.Driver = a, b
		r.Causes[0].Message = a
		doc, _ := parsePage(t, r, Options{Command: []string{a, b}})
		elements := map[string]int{}
		for n := range doc.Descendants() {
			if n.Type == html.ElementNode {
				elements[n.Data]++
			}
		}
		for _, name := range slices.Sorted(maps.Keys(elements)) {
			switch name {
			case "img", "iframe", "object", "form", "base", "h4":
				t.Errorf("<%s> out of %q, %q", name, a, b)
			}
		}
		if elements["script"] != 2 || elements["style"] != 1 {
			t.Errorf("%d scripts and %d styles out of %q, %q", elements["script"], elements["style"], a, b)
		}
	})
}

// TestHTMLPieces: a page that is written in several pieces has each site once, in
// order, in its table and in what the script draws.
func TestHTMLPieces(t *testing.T) {
	for _, n := range []int{1, inOnePiece, inOnePiece + 1, 5*inOnePiece - 1} {
		r := large(n, true)
		text := render(t, "html", r, Options{})
		var want, got []string
		for _, s := range sitesByCost(r) {
			want = append(want, fmt.Sprint(s.Index))
		}
		for _, m := range regexp.MustCompile(`<tr role="row" id="s(\d+)"`).FindAllStringSubmatch(text, -1) {
			got = append(got, m[1])
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("rows of %d sites (-want +got):\n%s", n, d)
		}
		_, data, _ := strings.Cut(text, `<script type="application/json" id="data">`)
		data, _, _ = strings.Cut(data, "</script>")
		d := newHTMLPage(r, Options{}).data
		d.Sites = d.sites(0, n)
		whole, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(whole), data); d != "" {
			t.Errorf("data of %d sites (-want +got):\n%s", n, d)
		}
	}
}

// TestHTMLRows holds the rows of sites to what html/template makes of them.
func TestHTMLRows(t *testing.T) {
	page := template.Must(template.New("page").Parse(pageTemplate))
	data, err := os.ReadFile("testdata/sites.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	rows := template.Must(page.New("sites").Parse(string(data)))
	check := func(r *align.Result, odd string) {
		t.Helper()
		p := &htmlPage{r: r, E2E: odd}
		p.sites(r, newNameTable())
		var got []byte
		var list []htmlSite
		for i := range p.Sites {
			x := p.siteRow(i)
			if odd != "" { // also what Clean would have made harmless
				x.ID, x.Verdict, x.Module, x.Reason, x.Name = odd, htmlMark{odd, odd, odd}, odd, odd, htmlName{odd, odd, i}
				x.Ratio, x.Interval, x.Share, x.Mock, x.E2E = odd, odd, odd, odd, odd
			}
			got = x.append(got, p.E2E)
			list = append(list, x)
		}
		var want bytes.Buffer
		if err := rows.Execute(&want, struct {
			E2E   string
			Sites []htmlSite
		}{p.E2E, list}); err != nil {
			t.Fatal(err)
		}
		checkSame(t, got, want.Bytes(), nil, nil)
	}
	for seed := range uint64(20) {
		r := random(seed, 100)
		for i, s := range oddFloats() {
			r.Sites[i].Ratio, r.Sites[i].MockShare, r.Sites[i].Mock = &s, s, &align.Sample{MedianNS: s}
		}
		check(r, "")
	}
	for _, s := range append(oddStrings(), hostile, "+1", "a\x00b") {
		check(load(t, "compare"), s)
		check(load(t, "regression"), s)
	}
}

// TestHTMLWriteError: the writer's first error is returned, wherever it comes.
func TestHTMLWriteError(t *testing.T) {
	r := large(3*inOnePiece, true)
	whole := len(render(t, "html", r, Options{}))
	for room := 0; room < whole; room += whole/50 + 1 {
		if err := HTML(&fullWriter{room: room}, r, Options{}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("room for %d bytes: error %v", room, err)
		}
	}
}
