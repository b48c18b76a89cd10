package summary_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/summary"
	"github.com/nsysdiff/nsysdiff/trace"
)

var update = flag.Bool("update", false, "write goldens")

// file returns the bytes of a summary.
func file(tb testing.TB, s *summary.Summary) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func of(tb testing.TB, t *trace.Trace) *summary.Summary {
	tb.Helper()
	s, err := summary.Of(context.Background(), t, align.ReduceOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// A launch is what a trace says of one, for comparing traces.
type launch struct {
	Start, Duration int64
	Config, Origin  uint32
}

func launches(t *trace.Trace) []launch {
	l := &t.Launches
	out := make([]launch, l.Len())
	for i := range out {
		out[i] = launch{l.Start[i], l.Duration(i), l.Config[i], l.Origin[i]}
	}
	return out
}

func diffTraces(a, b *trace.Trace) string {
	return cmp.Diff(launches(a), launches(b)) + cmp.Diff(a, b, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Launches" }, cmp.Ignore()))
}

// TestRoundTrip writes and reads what Reduce made of each report.
func TestRoundTrip(t *testing.T) {
	ctx := context.Background()
	for _, name := range names(t) {
		whole := recording(t, name)
		for _, o := range []align.ReduceOptions{{}, {Steps: 3}, {NoNVTX: true, Launches: 1}} {
			want, err := align.Reduce(ctx, whole, o)
			if err != nil {
				t.Fatal(err)
			}
			if d := diffTraces(want, summarised(t, want, o)); d != "" {
				t.Errorf("%s %+v (-written +read):\n%s", name, o, d)
			}
		}
	}
}

// TestInputUnchanged holds a trace against a second reading of its report.
func TestInputUnchanged(t *testing.T) {
	tr := recording(t, "serve_e2e_mixed")
	before := trace.Merge(tr, tr)
	of(t, tr)
	if d := diffTraces(before, trace.Merge(tr, tr)); d != "" {
		t.Error(d)
	}
}

// TestDeterminism makes the same summary several times.
func TestDeterminism(t *testing.T) {
	for _, name := range names(t) {
		want := file(t, of(t, recording(t, name)))
		for range 3 {
			if !bytes.Equal(want, file(t, of(t, recording(t, name)))) {
				t.Fatalf("%s: two summaries differ", name)
			}
		}
	}
}

// TestSize holds summaries to some tens of kilobytes, however long the report.
func TestSize(t *testing.T) {
	for _, name := range names(t) {
		if n := len(file(t, of(t, recording(t, name)))); n > 24<<10 {
			t.Errorf("%s: %d bytes", name, n)
		}
	}
	var sizes []int
	for _, steps := range []int{64, 640, 2560} {
		tr := repeated(steps, 200)
		r, err := align.Reduce(context.Background(), tr, align.ReduceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		kept := len(r.Reduced.Ways[0].Steps)
		if kept > 64 || kept <= 32 {
			t.Errorf("%d of %d steps are kept", kept, steps)
		}
		sizes = append(sizes, len(file(t, of(t, tr))))
	}
	if slices.Max(sizes) > 90<<10 {
		t.Errorf("summaries of 64, 640 and 2,560 steps of 200 launches have %d bytes", sizes)
	}
}

// repeated returns a trace of equal steps, whose durations vary.
func repeated(steps, launches int) *trace.Trace {
	rng := rand.New(rand.NewPCG(5, 6))
	var b trace.Builder
	lane := trace.Lane{GlobalPID: 1 << 24, PID: 1, Stream: 7}
	now := int64(1000)
	for s := range steps {
		b.Push(1, fmt.Sprintf("forward %d", s), now)
		for k := range launches {
			now += 2000 + rng.Int64N(2000)
			d := int64(float64(5000+300*(k%50)) * (1 + 0.02*rng.NormFloat64()))
			b.Launch(trace.Launch{Name: fmt.Sprint("kernel", k%50), Start: now, Duration: d, Lane: lane, Thread: 1, Grid: [3]int32{int32(k), 1, 1}, Block: [3]int32{128, 1, 1}})
			now += d
		}
		b.Pop(1, now)
	}
	return b.Trace("repeated")
}

// ranks are made-up reports of one run, on several hosts.
func ranks(n int) []*trace.Trace {
	rng := rand.New(rand.NewPCG(7, 8))
	out := make([]*trace.Trace, n)
	for r := range out {
		t := repeated(3+r%3, 4)
		t.Capture.Path = fmt.Sprintf("rank%d.sqlite", r/2)
		t.Capture.Host = fmt.Sprintf("node%d", rng.IntN(3))
		t.Capture.StartUTC = int64(1e18) + int64(rng.IntN(3))
		t.Capture.Warnings = []string{fmt.Sprint("warning of ", r%2)}
		for i := range t.Launches.Len() {
			t.Launches.Set(i, t.Launches.Start[i]+int64(r), t.Launches.Duration(i)+int64(r), t.Launches.Config[i], t.Launches.Origin[i])
		}
		out[r] = t
	}
	return out
}

// TestMergeLaws merges summaries in random order and nesting, some of them
// more than once: the bytes are always the same.
func TestMergeLaws(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	var all []*summary.Summary
	for _, tr := range ranks(9) {
		all = append(all, of(t, tr))
	}
	merged, duplicates := summary.Merge(all...)
	if len(duplicates) != 0 || len(merged.Reports()) != 9 {
		t.Fatalf("%d reports, duplicates %q", len(merged.Reports()), duplicates)
	}
	want := file(t, merged)
	for range 200 {
		some := slices.Clone(all)
		for range rng.IntN(4) {
			some = append(some, all[rng.IntN(len(all))])
		}
		rng.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		for len(some) > 1 {
			// Merge some neighbours, now and then through a file.
			i := rng.IntN(len(some))
			j := i + 1 + rng.IntN(len(some)-i)
			m, _ := summary.Merge(some[i:j]...)
			if rng.IntN(4) == 0 {
				var err error
				if m, err = summary.Read(bytes.NewReader(file(t, m))); err != nil {
					t.Fatal(err)
				}
			}
			some = slices.Replace(some, i, j, m)
		}
		if !bytes.Equal(want, file(t, some[0])) {
			t.Fatal("another way to merge gives other bytes")
		}
	}
	// It orders by host, start, path.
	reports := merged.Reports()
	sorted := slices.Clone(reports)
	slices.SortStableFunc(sorted, func(a, b summary.Report) int {
		return strings.Compare(fmt.Sprint(a.Host, a.StartUTC, a.Path), fmt.Sprint(b.Host, b.StartUTC, b.Path))
	})
	if d := cmp.Diff(sorted, reports); d != "" {
		t.Errorf("order of reports:\n%s", d)
	}
}

func TestMergeDuplicates(t *testing.T) {
	rs := ranks(4)
	a, b := of(t, rs[0]), of(t, rs[3])
	ab, _ := summary.Merge(a, b)
	aba, duplicates := summary.Merge(ab, a, a)
	if d := cmp.Diff([]string{"rank0.sqlite", "rank0.sqlite"}, duplicates); d != "" {
		t.Error(d)
	}
	if !bytes.Equal(file(t, ab), file(t, aba)) {
		t.Error("a report that is there twice does not count once")
	}
}

func TestOfNoReports(t *testing.T) {
	merged, _ := summary.Merge()
	for reason, s := range map[string]*summary.Summary{"zero": {}, "merged": merged} {
		if _, err := s.Trace(context.Background()); err == nil {
			t.Errorf("%s: a trace of no reports", reason)
		}
		if err := s.Write(io.Discard); err == nil {
			t.Errorf("%s: written, and no reader takes it", reason)
		}
	}
}

// TestTraceOfMerged holds the trace of merged summaries against merged traces.
func TestTraceOfMerged(t *testing.T) {
	ctx := context.Background()
	var all []*summary.Summary
	byKey := map[summary.Report]*trace.Trace{}
	for i, tr := range ranks(5) {
		tr.Capture.Path = fmt.Sprint(i)
		all = append(all, of(t, tr))
		r, err := align.Reduce(ctx, tr, align.ReduceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		byKey[summary.Report{Path: tr.Capture.Path, Host: tr.Capture.Host, StartUTC: tr.Capture.StartUTC}] = r
	}
	merged, _ := summary.Merge(all...)
	var inOrder []*trace.Trace
	for _, r := range merged.Reports() {
		inOrder = append(inOrder, byKey[r])
	}
	got, err := merged.Trace(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if d := diffTraces(trace.Merge(inOrder...), got); d != "" {
		t.Error(d)
	}
}

func TestMergeFiles(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	var all []*summary.Summary
	var paths []string
	for i, tr := range ranks(6) {
		s := of(t, tr)
		all = append(all, s)
		if i == 5 {
			s, _ = summary.Merge(all[0], s) // a file of two, one of them there already
		}
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(path, file(t, s), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	merged, _ := summary.Merge(all...)
	var b bytes.Buffer
	reports, duplicates, err := summary.MergeFiles(ctx, &b, paths...)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(merged.Reports(), reports); d != "" {
		t.Error(d)
	}
	if !bytes.Equal(file(t, merged), b.Bytes()) {
		t.Error("merging files gives other bytes than merging summaries")
	}
	if d := cmp.Diff([]string{all[0].Reports()[0].Path}, duplicates); d != "" {
		t.Error(d)
	}
	slices.Reverse(paths)
	b2 := b.Bytes()
	b = bytes.Buffer{}
	if _, _, err := summary.MergeFiles(ctx, &b, paths...); err != nil || !bytes.Equal(b2, b.Bytes()) {
		t.Error("the order of files matters", err)
	}
	_, _, err = summary.MergeFiles(ctx, io.Discard, paths[0], filepath.Join(dir, "none"))
	if e := (*summary.Error)(nil); !errors.As(err, &e) || e.Path != filepath.Join(dir, "none") {
		t.Errorf("a missing file: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := summary.MergeFiles(cancelled, io.Discard, paths...); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, _, err := summary.MergeFiles(ctx, io.Discard); err == nil {
		t.Error("merged nothing")
	}
}

func TestIs(t *testing.T) {
	good := file(t, of(t, repeated(3, 4)))
	dir := t.TempDir()
	zip := func(s string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		io.WriteString(w, s)
		w.Close()
		return b.String()
	}
	for _, tt := range []struct {
		reason string
		data   string
		want   bool
	}{
		{"a summary", string(good), true},
		{"its beginning", string(good[:min(len(good), summary.SniffLen)]), true},
		{"one of a later schema", zip(`{"schema":"nsysdiff-summary/2"}`), true},
		{"nothing", "", false},
		{"SQLite", "SQLite format 3\x00", false},
		{"other gzip", zip("hello"), false},
		{"empty gzip", zip(""), false},
		{"a header of gzip", "\x1f\x8b", false},
		{"a summary that was decompressed", `{"schema":"nsysdiff-summary/1"}`, true},
		{"other JSON", `{"schema":"nsysdiff/1"}`, false},
	} {
		if got := summary.Is([]byte(tt.data)); got != tt.want {
			t.Errorf("%s: %v", tt.reason, got)
		}
		path := filepath.Join(dir, "f")
		if err := os.WriteFile(path, []byte(tt.data), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := summary.IsFile(path); got != tt.want || err != nil {
			t.Errorf("%s, in a file: %v, %v", tt.reason, got, err)
		}
	}
	if _, err := summary.IsFile(filepath.Join(dir, "none")); err == nil {
		t.Error("a missing file: no error")
	}
}

// TestBadFiles wants one clear error of each file that is no sound summary.
func TestBadFiles(t *testing.T) {
	ctx := context.Background()
	zip := func(lines ...string) []byte {
		var b bytes.Buffer
		for _, l := range lines {
			w := gzip.NewWriter(&b)
			io.WriteString(w, l)
			w.Close()
		}
		return b.Bytes()
	}
	good := file(t, of(t, recording(t, "llama_tp_mock")))
	merged, _ := summary.Merge(of(t, recording(t, "llama_tp_mock")), of(t, recording(t, "llama_mock_attn")))
	flipped := slices.Clone(good)
	flipped[len(flipped)/2] ^= 4
	z, err := gzip.NewReader(bytes.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(z); err != nil {
		t.Fatal(err)
	}
	const damaged, foreign = "the summary is damaged or cut short", "not a summary of nsysdiff"
	for _, tt := range []struct {
		reason  string
		data    []byte
		problem string
	}{
		{"nothing", nil, "is empty (0 bytes)"},
		{"decompressed", text.Bytes(), "the summary was decompressed by another program"},
		{"compressed again", zip(text.String()), "the summary was compressed again by another program"},
		{"a text", []byte("hello, this is no summary"), foreign},
		{"other gzip", zip("hello, this is no summary"), foreign},
		{"SQLite", append([]byte("SQLite format 3\x00"), make([]byte, 4096)...), foreign},
		{"a later schema", zip(`{"schema":"nsysdiff-summary/2","reports":1}`, `{}`), "the summary was made by a newer nsysdiff (nsysdiff-summary/2; this one reads nsysdiff-summary/1)"},
		{"a schema that never was", zip(`{"schema":"nsysdiff-summary/x","reports":1}`, `{}`), damaged},
		{"no reports", zip(`{"schema":"nsysdiff-summary/1","reports":0}`), damaged},
		{"fewer reports than it says", zip(`{"schema":"nsysdiff-summary/1","reports":2}`, `{}`), damaged},
		{"an empty report", zip(`{"schema":"nsysdiff-summary/1","reports":1}`, `{}`), damaged},
		{"not JSON", zip(`{"schema":"nsysdiff-summary/1","reports":1}`, `{"digest":`), damaged},
		{"a flipped bit", flipped, damaged},
		{"the second of two reports lacks a byte", file(t, merged)[:len(file(t, merged))-1], damaged},
		{"something after the end", append(slices.Clone(good), "more"...), damaged},
	} {
		path := filepath.Join(t.TempDir(), "base.json.gz")
		if err := os.WriteFile(path, tt.data, 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := summary.ReadFile(path)
		if err == nil {
			_, err = s.Trace(ctx)
		}
		e := (*summary.Error)(nil)
		if !errors.As(err, &e) {
			t.Errorf("%s: %v, which is no *summary.Error", tt.reason, err)
			continue
		}
		if e.Problem != tt.problem || e.Hint == "" || strings.Contains(e.Error(), "\n") {
			t.Errorf("%s: %q, hint %q, want %q", tt.reason, e, e.Hint, tt.problem)
		}
	}
	// However it is cut, it is noticed.
	for n := range len(good) {
		if _, err := summary.Read(bytes.NewReader(good[:n])); err == nil {
			t.Fatalf("the first %d of %d bytes were read without an error", n, len(good))
		}
	}
}

// TestUnknownFields reads a summary in which a later version says more.
func TestUnknownFields(t *testing.T) {
	ctx := context.Background()
	s := of(t, recording(t, "llama_tp_mock"))
	want, err := s.Trace(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, line := range lines(t, file(t, s)) {
		var v map[string]any
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		v["later"] = map[string]any{"a": []int{1}}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		// The schema comes first in a file.
		text = []byte(strings.Replace(string(text), `{"later":{"a":[1]},"reports":1,"schema":"nsysdiff-summary/1"}`, `{"schema":"nsysdiff-summary/1","reports":1,"later":0}`, 1))
		w := gzip.NewWriter(&out)
		w.Write(text)
		w.Close()
	}
	later, err := summary.Read(&out)
	if err != nil {
		t.Fatal(err)
	}
	got, err := later.Trace(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if d := diffTraces(want, got); d != "" {
		t.Error(d)
	}
}

func lines(tb testing.TB, data []byte) []string {
	tb.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		tb.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// TestForeignNames keeps names that are not UTF-8, and those that JSON must
// escape.
func TestForeignNames(t *testing.T) {
	var b trace.Builder
	names := []string{"bad \xff\xfe utf-8", "<b>&\u2028\"\\\n\x00", strings.Repeat("template<int>", 700)}
	for s := range 4 {
		for k, n := range names {
			b.Launch(trace.Launch{Name: n, Start: int64(100*s + 10*k), Duration: 5})
		}
	}
	tr := b.Trace("a \xff path")
	got := summarised(t, tr, align.ReduceOptions{})
	for i := range got.Launches.Len() {
		if !slices.Contains(names, got.Name(i)) {
			t.Errorf("name %q", got.Name(i))
		}
	}
	if got.Capture.Path != tr.Capture.Path {
		t.Errorf("path %q", got.Capture.Path)
	}
}

// TestScope narrows a summary.
func TestScope(t *testing.T) {
	scope := func(pattern string) trace.Scope {
		p, err := trace.ParsePattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		return trace.Scope{NVTX: []trace.Pattern{p}}
	}
	tr := summarised(t, recording(t, "llama_tp_e2e"), align.ReduceOptions{})
	before := tr.Launches.Len()
	s := scope("layer 1")
	if err := s.Apply(tr); err != nil {
		t.Fatal(err)
	}
	if n := tr.Launches.Len(); n == 0 || n >= before {
		t.Errorf("%d of %d launches are left", n, before)
	}
	for i := range tr.Launches.Len() {
		if !slices.Contains(tr.Path(tr.IssueRange(i)), "layer 1") {
			t.Fatalf("launch %d is in %q", i, tr.Path(tr.IssueRange(i)))
		}
	}
	for _, w := range tr.Reduced.Ways {
		for _, st := range w.Steps {
			if st.N <= 0 || st.First < 0 || st.First+st.N > tr.Launches.Len() {
				t.Errorf("step %+v of %d launches", st, tr.Launches.Len())
			}
		}
	}
	if n := tr.Reduced.Ways[0].Steps[0].N; n != 15 {
		t.Errorf("a step has %d launches in the range, want the 15 of a layer", n)
	}
	s = scope("no such range")
	if err := s.Apply(tr); err == nil {
		t.Error("a scope that leaves nothing: no error")
	}
}

// TestOldFile reads what version 1 of the format was when it was made: later
// versions must read it still.
func TestOldFile(t *testing.T) {
	path := filepath.Join("testdata", "v1.json.gz")
	if *update {
		if _, err := os.Stat(path); err == nil {
			t.Fatal("a file of version 1 is never made again: a later format needs a file of its own")
		}
		var all []*summary.Summary
		for _, name := range []string{"llama_tp_mock", "dsa_mock_gen_graph"} {
			tr := *recording(t, name)
			tr.Capture.Path = name + ".sqlite"
			all = append(all, of(t, &tr))
		}
		m, _ := summary.Merge(all...)
		if err := os.WriteFile(path, file(t, m), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := summary.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"dsa_mock_gen_graph.sqlite", "llama_tp_mock.sqlite"}, paths(s)); d != "" {
		t.Error(d)
	}
	got, err := s.Trace(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Reports) != 2 || got.Capture.Launches != 602+100 || got.Reports[1].GPUs[0].Name != "NVIDIA H200" {
		t.Errorf("%d reports, %d launches", len(got.Reports), got.Capture.Launches)
	}
	w := &got.Reduced.Ways[0]
	steps := map[string]int{}
	for _, st := range w.Steps {
		steps[fmt.Sprintf("%d launches in %s", st.N, got.Strings[got.Ranges[st.Range].Name])]++
	}
	if d := cmp.Diff(map[string]int{"14 launches in forward #": 40, "8 launches in forward #": 8}, steps); d != "" {
		t.Errorf("steps:\n%s", d)
	}
	want := report(t, recording(t, "llama_tp_mock"), align.Options{})
	rows := map[string]align.KernelRow{}
	for _, r := range report(t, got, align.Options{}).Kernels {
		rows[r.Name] = r
	}
	for _, r := range want.Kernels {
		checkSample(t, r.Name, r.Mock, rows[r.Name].Mock)
	}
}

func paths(s *summary.Summary) []string {
	var out []string
	for _, r := range s.Reports() {
		out = append(out, r.Path)
	}
	return out
}
