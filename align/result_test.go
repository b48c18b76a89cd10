package align_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestDeterministic compares twice and wants equal bytes, of JSON that round
// trips and holds what the schema promises.
func TestDeterministic(t *testing.T) {
	for i, p := range recordedPairs {
		if testing.Short() && i%8 > 0 {
			continue
		}
		for _, o := range []align.Options{{}, {NoNVTX: true, Launches: true}, {Regression: true, MemOps: true}, {By: align.ByFamily}} {
			mock, e2e := recording(t, p.mock), recording(t, p.e2e)
			first := marshal(t, compare(t, mock, e2e, o))
			second := marshal(t, compare(t, mock, e2e, o))
			if !bytes.Equal(first, second) {
				t.Fatalf("%s, %s, %+v: two runs differ:\n%s", p.mock, p.e2e, o, cmp.Diff(string(first), string(second)))
			}
			var again align.Result
			if err := json.Unmarshal(first, &again); err != nil {
				t.Fatal(err)
			}
			if third := marshal(t, &again); !bytes.Equal(first, third) {
				t.Fatalf("%s, %s: JSON does not round trip", p.mock, p.e2e)
			}
			requireSchema(t, first)
		}
	}
}

func marshal(t *testing.T, r *align.Result) []byte {
	t.Helper()
	b, err := json.Marshal(r) // errs for what is not finite
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// requireSchema looks for what every result must have.
func requireSchema(t *testing.T, b []byte) {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	if m["schema"] != align.Schema {
		t.Errorf("schema %v", m["schema"])
	}
	for _, list := range []string{"checklist", "sites", "kernels", "findings", "causes"} {
		if _, ok := m[list].([]any); !ok {
			t.Errorf("%s is %v, want a list", list, m[list])
		}
	}
	ids := []string{}
	for _, k := range m["checklist"].([]any) {
		ids = append(ids, k.(map[string]any)["id"].(string))
	}
	if want := []string{"names", "latency", "missing", "extra", "shapes"}; !slices.Equal(ids, want) {
		t.Errorf("checklist %v, want %v", ids, want)
	}
	for _, side := range []string{"mock", "e2e"} {
		s := m[side].(map[string]any)
		for _, field := range []string{"path", "launches", "steps", "launches_per_step", "warnings"} {
			if s[field] == nil {
				t.Errorf("%s lacks %s", side, field)
			}
		}
	}
}

// TestResultIsWhole checks what must hold of every result, whatever it says.
func TestResultIsWhole(t *testing.T) {
	for i, p := range recordedPairs {
		if testing.Short() && i%8 > 0 {
			continue
		}
		for _, regression := range []bool{false, true} {
			r := compare(t, recording(t, p.mock), recording(t, p.e2e), align.Options{Regression: regression, Launches: true})
			var shares [2]float64
			for i, s := range r.Sites {
				if s.Index != i {
					t.Errorf("site %d has index %d", i, s.Index)
				}
				if s.MockName == "" != (s.Mock == nil) || s.E2EName == "" != (s.E2E == nil) || s.Mock == nil && s.E2E == nil {
					t.Errorf("site %d: names %q and %q, samples %v and %v", i, s.MockName, s.E2EName, s.Mock, s.E2E)
				}
				if s.Ratio != nil && s.RatioLo != nil && !(*s.RatioLo <= *s.Ratio && *s.Ratio <= *s.RatioHi) {
					t.Errorf("site %d: ratio %g outside of %g to %g", i, *s.Ratio, *s.RatioLo, *s.RatioHi)
				}
				for _, x := range []*align.Sample{s.Mock, s.E2E} {
					if x == nil {
						continue
					}
					if x.HiNS > 0 && !(x.LoNS <= x.MedianNS && x.MedianNS <= x.HiNS) || float64(x.MinNS) > x.P5NS || x.P5NS > x.MedianNS || x.MedianNS > x.P95NS || x.P95NS > float64(x.MaxNS) {
						t.Errorf("site %d: sample out of order: %+v", i, *x)
					}
				}
				launches := map[string]int{}
				for _, l := range s.Launches {
					launches[l.Side]++
				}
				if s.Mock != nil && launches["mock"] != s.Mock.N || s.E2E != nil && launches["e2e"] != s.E2E.N {
					t.Errorf("site %d: %v launches listed", i, launches)
				}
				shares[0], shares[1] = shares[0]+s.MockShare, shares[1]+s.E2EShare
			}
			if len(r.Sites) > 0 && (shares[0] < 0.999 || shares[0] > 1.001 || shares[1] < 0.999 || shares[1] > 1.001) {
				t.Errorf("%s, %s: shares add up to %v", p.mock, p.e2e, shares)
			}
			for _, f := range r.Findings {
				if f.Message == "" || strings.HasSuffix(f.Message, ".") || f.Code == "" {
					t.Errorf("finding %+v", f)
				}
				if !inSites(f.Sites, r) {
					t.Errorf("finding %s: sites %v of %d", f.Code, f.Sites, len(r.Sites))
				}
				if f.Cause != "" && !slices.ContainsFunc(r.Causes, func(x align.Cause) bool { return x.Code == f.Cause }) {
					t.Errorf("finding %s: no cause %s", f.Code, f.Cause)
				}
			}
			for _, x := range r.Causes {
				if !inSites(x.Sites, r) {
					t.Errorf("cause %s: sites %v of %d", x.Code, x.Sites, len(r.Sites))
				}
			}
		}
	}
}

func inSites(sites []int, r *align.Result) bool {
	return slices.IsSorted(sites) && !slices.ContainsFunc(sites, func(i int) bool { return i < 0 || i >= len(r.Sites) })
}

// TestInputsStay checks that comparing changes neither trace.
func TestInputsStay(t *testing.T) {
	for _, o := range []align.Options{{}, {NoNVTX: true}, {Regression: true}} {
		mock, e2e := recording(t, "llama_tp_mock"), recording(t, "llama_tp_e2e_tp4")
		before := [2]*trace.Trace{copyOf(mock, nil), copyOf(e2e, nil)}
		compare(t, mock, e2e, o)
		report(t, mock, o)
		for i, tr := range []*trace.Trace{mock, e2e} {
			if diff := cmp.Diff(before[i], tr, cmpopts.IgnoreUnexported(trace.Launches{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%+v: the trace was changed:\n%s", o, diff)
			}
			for k := range tr.Launches.Len() {
				if tr.Launches.Duration(k) != before[i].Launches.Duration(k) {
					t.Fatalf("%+v: the duration of launch %d was changed", o, k)
				}
			}
		}
	}
}

// TestCancelled looks at contexts that end before or while two large traces
// are compared.
func TestCancelled(t *testing.T) {
	mock, _ := program(1, 4, fullShape.model(fewer(40))).trace("mock")
	e2e, _ := program(2, 6, fullShape.model(fewer(120))).trace("e2e")
	for _, o := range []align.Options{{}, {NoNVTX: true}, {Regression: true}} {
		for _, e2e := range []*trace.Trace{e2e, {}} {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			r, err := align.Compare(ctx, mock, e2e, o)
			if !errors.Is(err, context.Canceled) || r != nil {
				t.Errorf("%+v: result %v, error %v, want none and %v", o, r != nil, err, context.Canceled)
			}
		}
	}
	// Wherever it is cancelled, a result is whole or there is none.
	for after := range fewer(40) {
		ctx := &countdown{Context: context.Background(), left: after * 3}
		r, err := align.Compare(ctx, mock, e2e, align.Options{})
		if (r == nil) != (err != nil) || err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled after %d looks: result %v, error %v", ctx.left, r != nil, err)
		}
	}
}

// TestMemOps looks at the table of memory operations.
func TestMemOps(t *testing.T) {
	mock, e2e := recording(t, "serve_mock_decode"), recording(t, "serve_e2e_mixed")
	if r := compare(t, mock, e2e, align.Options{}); r.MemOps != nil {
		t.Errorf("%d rows that nobody asked for", len(r.MemOps))
	}
	for _, r := range []*align.Result{
		compare(t, mock, e2e, align.Options{MemOps: true}),
		report(t, e2e, align.Options{MemOps: true}),
	} {
		n := 0
		for _, row := range r.MemOps {
			s := row.E2E
			if r.Mode == align.ModeReport {
				s = row.Mock
			}
			if s != nil {
				n += s.N
			}
			if !strings.HasPrefix(row.Name, "[CUDA mem") {
				t.Errorf("row %q", row.Name)
			}
		}
		if n != len(e2e.MemOps) || n == 0 {
			t.Errorf("mode %s: %d operations in the table, want %d", r.Mode, n, len(e2e.MemOps))
		}
	}
}

// TestGroupings looks at what the table of kernels can be grouped by: the
// launches stay the same, the rows get fewer or more.
func TestGroupings(t *testing.T) {
	tr := recording(t, "llama_tp_e2e")
	rows := map[align.Grouping]int{}
	for _, by := range []align.Grouping{"", align.ByName, align.ByFamily, align.ByShort, align.ByGrid} {
		r := report(t, tr, align.Options{By: by})
		n, share, names := 0, 0.0, map[string]bool{}
		for i, k := range r.Kernels {
			n, share = n+k.Mock.N, share+k.MockShare
			if names[k.Name] {
				t.Errorf("by %q: two rows %q", by, k.Name)
			}
			names[k.Name] = true
			if i > 0 && k.Mock.TotalNS > r.Kernels[i-1].Mock.TotalNS {
				t.Errorf("by %q: rows are not in order of time", by)
			}
		}
		if n != tr.Launches.Len() || share < 0.999 || share > 1.001 {
			t.Errorf("by %q: %d launches, share %g", by, n, share)
		}
		rows[by] = len(r.Kernels)
	}
	if !(rows[align.ByFamily] < rows[align.ByName] && rows[align.ByName] < rows[align.ByGrid] && rows[""] == rows[align.ByName]) {
		t.Errorf("rows by grouping: %v", rows)
	}
}

// TestRandom compares traces of random launches, which mean nothing: no panic,
// no number that is not finite.
func TestRandom(t *testing.T) {
	c := check(t)
	defer func() {
		if v := recover(); v != nil {
			c.Errorf("panic: %v", v)
		}
	}()
	rng := rand.New(rand.NewPCG(20, 21))
	random := func() *script {
		var step []kernel
		for range 1 + rng.IntN(30) {
			step = append(step, kernel{name: string(rune('a' + rng.IntN(6))), ns: rng.Int64N(3) * rng.Int64N(1e7), grid: [3]int32{rng.Int32N(3), 1, 1}})
		}
		s := program(rng.Uint64(), 1+rng.IntN(6), step)
		s.graph = rng.IntN(3) == 0
		if rng.IntN(3) == 0 {
			s.edit(func(k kernel) []kernel {
				return slices.Repeat([]kernel{k}, rng.IntN(3))
			})
		}
		return s
	}
	for range fewer(300) {
		mock, _ := random().trace("mock")
		e2e, _ := traceOf("e2e", random(), random())
		for _, o := range []align.Options{{}, {NoNVTX: true}, {Regression: true, NoNVTX: true}, {Regression: true}, {ScopedE2E: true}, {TP: 2, ScaleTP: true}} {
			marshal(t, compare(t, mock, e2e, o))
		}
	}
}

// TestSkipAllSteps skips more steps of warm-up than there are: that is said,
// and nothing is compared.
func TestSkipAllSteps(t *testing.T) {
	both(t, func(t *testing.T, o align.Options) {
		c := check(t)
		defer func() {
			if v := recover(); v != nil {
				c.Errorf("panic: %v", v)
			}
		}()
		mock, _ := program(1, 10, fullShape.attentionOp()).trace("mock")
		e2e, _ := program(2, 5, fullShape.model(2)).trace("e2e")
		for _, regression := range []bool{false, true} {
			o.SkipWarmup, o.Regression = 5, regression
			r := compare(t, mock, e2e, o)
			if r.Verdict != align.NotComparable || len(r.Findings) != 1 || !strings.Contains(r.Findings[0].Message, "step") {
				c.Errorf("verdict %s, findings %+v, want not comparable since no step is left", r.Verdict, r.Findings)
			}
		}
	})
}

// TestResultFieldsAreTagged checks that every field of a result has a name in
// JSON of its own, with its unit where it is a time.
func TestResultFieldsAreTagged(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var visit func(reflect.Type)
	visit = func(ty reflect.Type) {
		for ty.Kind() == reflect.Pointer || ty.Kind() == reflect.Slice {
			ty = ty.Elem()
		}
		if ty.Kind() != reflect.Struct || seen[ty] {
			return
		}
		seen[ty] = true
		for i := range ty.NumField() {
			f := ty.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" {
				t.Errorf("%s.%s has no name in JSON", ty, f.Name)
			}
			if strings.HasSuffix(f.Name, "NS") && !strings.HasSuffix(name, "_ns") && f.Type.Kind() != reflect.Struct {
				t.Errorf("%s.%s: %q lacks the unit", ty, f.Name, name)
			}
			visit(f.Type)
		}
	}
	visit(reflect.TypeFor[align.Result]())
}
