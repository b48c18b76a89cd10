package align_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
)

// regressionPairs are recordings of one program: two, or the steps of one by
// parity.
var regressionPairs = [][2]string{
	{"llama_e2e_prefill", "llama_e2e_prefill_again"},
	{"llama_e2e_prefill", ""},
	{"llama_tp_e2e", ""},
	{"dsa_e2e_ctx_tp1", ""},
	{"dsa_e2e_gen_graph_node", ""},
	{"llama_tp_e2e_tp4", ""},
}

// TestPerturbedRegression plants seeded differences between two runs of one
// program: launches added and gone, others slower and faster. Each must be
// found, and nothing else.
func TestPerturbedRegression(t *testing.T) {
	for seed := range fewer(*perturbations) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			c := check(t)
			rng := rand.New(rand.NewPCG(uint64(seed), 2))
			base, next, what := twoRuns(t, rng)
			o := align.Options{Regression: true, Launches: true, NoNVTX: rng.IntN(2) == 0}
			want, planted := plantRegression(rng, next)
			a, baseTags := base.trace("base")
			b, nextTags := next.trace("new")
			r := compare(t, a, b, o)

			got := map[string]string{}
			for i := range r.Sites {
				s := &r.Sites[i]
				key := tagOf(c, s, "mock", baseTags) + "|" + tagOf(c, s, "e2e", nextTags)
				if s.Verdict != align.Match {
					got[key] = string(s.Verdict)
				} else if x, y, _ := strings.Cut(key, "|"); x != y {
					c.Errorf("launch %s of the base matches %s of the new run", x, y)
				}
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				c.Errorf("sites that differ, by what their launches are (-want +got):\n%s", diff)
			}
			allowed := map[string]bool{align.CodeStepTime: true}
			verdict := align.Aligned
			for _, v := range want {
				switch align.SiteVerdict(v) {
				case align.Slower:
					allowed[align.CodeLatency], verdict = true, align.Misaligned
				case align.Faster:
					allowed[align.CodeLatency] = true
				default:
					allowed[v], verdict = true, align.Misaligned
				}
			}
			for _, f := range r.Findings {
				if !allowed[f.Code] {
					c.Errorf("finding %s: %s", f.Code, f.Message)
				}
			}
			for _, x := range r.Causes {
				c.Errorf("cause %s: %s", x.Code, x.Message)
			}
			if r.Verdict != verdict {
				c.Errorf("verdict %s, want %s", r.Verdict, verdict)
			}
			if len(c.problems) > 0 {
				c.Errorf("%s, no-nvtx %v: %s", what, o.NoNVTX, strings.Join(planted, "; "))
			}
		})
	}
}

// twoRuns returns two runs of a recorded program, the launches of each step
// tagged by their number.
func twoRuns(t *testing.T, rng *rand.Rand) (base, next *script, what string) {
	p := regressionPairs[rng.IntN(len(regressionPairs))]
	run := func(name string) *script {
		s := scriptOf(recording(t, name), nil, func(string) bool { return true })
		for _, step := range s.steps {
			for k := range step {
				step[k].tag = fmt.Sprint(k)
			}
		}
		return s
	}
	base = run(p[0])
	if p[1] != "" {
		return base, run(p[1]), p[0] + ", " + p[1]
	}
	next = base.clone()
	base.steps = everyOther(base.steps, 0)
	next.steps = everyOther(next.steps, 1)
	return base, next, p[0] + " by parity"
}

func everyOther(steps [][]kernel, from int) [][]kernel {
	var out [][]kernel
	for i := from; i < len(steps); i += 2 {
		out = append(out, steps[i])
	}
	return out
}

// plantRegression changes a run and returns what must be found, by "base tag|new
// tag".
func plantRegression(rng *rand.Rand, next *script) (want map[string]string, planted []string) {
	want = map[string]string{}
	step := slices.Clone(next.steps[0])
	busy := map[int]bool{}
	pick := func(accept func(k int) bool) (int, bool) {
		var free []int
		for k := 1; k < len(step)-1; k++ {
			// Of two alike in a row nothing tells which is gone.
			if !busy[k-1] && !busy[k] && !busy[k+1] && step[k-1].name != step[k].name && step[k+1].name != step[k].name && accept(k) {
				free = append(free, k)
			}
		}
		if len(free) == 0 {
			return 0, false
		}
		k := free[rng.IntN(len(free))]
		busy[k] = true
		return k, true
	}
	all := func(int) bool { return true }
	long := func(k int) bool { return step[k].ns > 15_000 }
	for range rng.IntN(6) {
		switch rng.IntN(4) {
		case 0:
			if k, ok := pick(all); ok {
				replace(next, fmt.Sprint(k), func(kernel) []kernel { return nil })
				want[fmt.Sprintf("%d|", k)] = string(align.Extra)
				planted = append(planted, fmt.Sprintf("%d is gone", k))
			}
		case 1:
			if k, ok := pick(all); ok {
				tag := fmt.Sprintf("added after %d", k)
				replace(next, fmt.Sprint(k), func(l kernel) []kernel {
					more := l
					more.name, more.ns, more.tag = "added_kernel", noisy(rng, 9000), tag
					return []kernel{l, more}
				})
				want["|"+tag] = string(align.Missing)
				planted = append(planted, tag)
			}
		default:
			if k, ok := pick(long); ok {
				by, verdict := 1.3+rng.Float64(), align.Slower
				if rng.IntN(2) == 0 {
					by, verdict = 1/by, align.Faster
				}
				replace(next, fmt.Sprint(k), func(l kernel) []kernel {
					l.ns = int64(float64(l.ns) * by)
					return []kernel{l}
				})
				want[pair(k)] = string(verdict)
				planted = append(planted, fmt.Sprintf("%d takes %.3g times as long", k, by))
			}
		}
	}
	if rng.IntN(3) == 0 && len(next.steps) > 5 {
		at := rng.IntN(len(next.steps))
		next.steps = slices.Delete(next.steps, at, at+1)
		planted = append(planted, "one step less")
	}
	return want, planted
}
