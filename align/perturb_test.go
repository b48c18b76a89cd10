package align_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
)

var perturbations = flag.Int("perturbations", 100, "number of seeded perturbations of recorded pairs; an eighth with -short")

// A perturbation is a pair of scripts, what was planted in them, and what a
// comparison must then find.
type perturbation struct {
	rng       *rand.Rand
	mock, e2e *script
	n         int                 // launches of the operation
	names     []string            // of the operation's launches, on the E2E side
	medians   []float64           // on the E2E side
	busy      map[int]bool        // launches that something was planted at
	sites     map[string]string   // by "mock tag|E2E tag", the verdict
	either    []map[string]string // sites to be found besides: one of these
	allowed   map[string]bool     // codes of findings and causes that may follow
	done      []string            // what was planted, for messages
	options   align.Options
}

func (p *perturbation) say(format string, args ...any) {
	p.done = append(p.done, fmt.Sprintf(format, args...))
}

func (p *perturbation) allow(codes ...string) {
	for _, c := range codes {
		p.allowed[c] = true
	}
}

// pick returns a launch of the operation, between lo and n-1-lo, that nothing
// was planted at or beside and that accept accepts; false if none is left.
func (p *perturbation) pick(lo int, accept func(k int) bool) (int, bool) {
	var free []int
	for k := lo; k < p.n-lo; k++ {
		if !p.busy[k-1] && !p.busy[k] && !p.busy[k+1] && (accept == nil || accept(k)) {
			free = append(free, k)
		}
	}
	if len(free) == 0 {
		return 0, false
	}
	k := free[p.rng.IntN(len(free))]
	p.busy[k] = true
	return k, true
}

// unique reports whether no other launch of the operation has the name or the
// family of launch k: where there are two in a row that are alike, nothing
// tells which of them is missing.
func (p *perturbation) unique(k int) bool {
	for j, n := range p.names {
		if j != k && align.Family(n) == align.Family(p.names[k]) {
			return false
		}
	}
	return true
}

// replace edits the launches with a tag.
func replace(s *script, tag string, fn func(k kernel) []kernel) {
	s.edit(func(k kernel) []kernel {
		if k.tag == tag {
			return fn(k)
		}
		return []kernel{k}
	})
}

func pair(k int) string { return fmt.Sprintf("%d|%d", k, k) }

// side returns one of the two scripts, by chance.
func (p *perturbation) side() (s *script, mock bool) {
	if p.rng.IntN(2) == 0 {
		return p.mock, true
	}
	return p.e2e, false
}

// remove takes a launch away from every mock step or every layer. What is
// missing at the operation's edge cannot be told from what is not part of it.
func (p *perturbation) remove() {
	k, ok := p.pick(1, p.unique)
	if !ok {
		return
	}
	s, mock := p.side()
	replace(s, fmt.Sprint(k), func(kernel) []kernel { return nil })
	delete(p.sites, pair(k))
	if mock {
		p.sites[fmt.Sprintf("|%d", k)] = string(align.Missing)
		p.allow(align.CodeMissing, align.CauseModuleNotCalled)
	} else {
		p.sites[fmt.Sprintf("%d|", k)] = string(align.Extra)
		p.allow(align.CodeExtra)
	}
	p.say("removed %d, in the mock %v", k, mock)
}

// insert puts a new kernel after a launch.
func (p *perturbation) insert() {
	k, ok := p.pick(1, nil)
	if !ok {
		return
	}
	s, mock := p.side()
	tag := fmt.Sprintf("planted after %d", k)
	ns := 2000 * (1 + 20*p.rng.Float64())
	replace(s, fmt.Sprint(k), func(l kernel) []kernel {
		planted := l
		planted.name, planted.tag, planted.ns = fmt.Sprintf("planted_kernel_%c", 'a'+k), tag, noisy(p.rng, ns)
		return []kernel{l, planted}
	})
	if mock {
		p.sites[tag+"|"] = string(align.Extra)
		p.allow(align.CodeExtra)
	} else {
		p.sites["|"+tag] = string(align.Missing)
		p.allow(align.CodeMissing, align.CauseModuleNotCalled)
	}
	p.say("inserted after %d, in the mock %v", k, mock)
}

// swap exchanges two neighbours in the mock: one of them is out of place,
// which of the two is a matter of view.
func (p *perturbation) swap() {
	k, ok := p.pick(1, func(k int) bool { return k+2 < p.n && !p.busy[k+2] && p.unique(k) && p.unique(k+1) })
	if !ok {
		return
	}
	p.busy[k+1] = true
	for _, step := range p.mock.steps {
		for i := range step[:len(step)-1] {
			if step[i].tag == fmt.Sprint(k) && step[i+1].tag == fmt.Sprint(k+1) {
				step[i], step[i+1] = step[i+1], step[i]
				break
			}
		}
	}
	var either []map[string]string
	for _, moved := range []int{k, k + 1} {
		either = append(either, map[string]string{
			fmt.Sprintf("%d|", moved): string(align.Extra),
			fmt.Sprintf("|%d", moved): string(align.Missing),
			pair(2*k + 1 - moved):     string(align.Match),
		})
	}
	delete(p.sites, pair(k))
	delete(p.sites, pair(k+1))
	p.either = either
	p.allow(align.CodeMissing, align.CodeExtra, align.CauseModuleNotCalled)
	p.say("swapped %d and %d", k, k+1)
}

var tile = regexp.MustCompile(`_\d+x\d+_\d+x\d+_`)

// rename gives a launch the name of another tile.
func (p *perturbation) rename() {
	k, ok := p.pick(0, func(k int) bool { return strings.HasPrefix(p.names[k], "nvjet_") })
	if !ok {
		return
	}
	s, mock := p.side()
	replace(s, fmt.Sprint(k), func(l kernel) []kernel {
		l.name = tile.ReplaceAllString(l.name, "_136x24_64x9_")
		return []kernel{l}
	})
	p.sites[pair(k)] = string(align.Variant)
	p.allow(align.CodeVariant, align.CauseTiles)
	p.say("renamed %d, in the mock %v", k, mock)
}

// scale makes a launch of the mock longer or shorter by more than the bound.
func (p *perturbation) scale(longer bool) {
	const least = 8000 // ns, so that the difference is well above the floor
	k, ok := p.pick(0, func(k int) bool { return p.medians[k] >= least })
	if !ok {
		return
	}
	by, verdict := 3+3*p.rng.Float64(), align.Slower
	if !longer {
		by, verdict = 1/by, align.Faster
	}
	replace(p.mock, fmt.Sprint(k), func(l kernel) []kernel {
		l.ns = int64(float64(l.ns) * by)
		return []kernel{l}
	})
	p.sites[pair(k)] = string(verdict)
	p.allow(align.CodeLatency)
	if align.Kind(p.names[k]) == align.KindAttention {
		p.allow(align.CauseShape) // attention alone: a longer context
	}
	p.say("scaled %d by %.3g", k, by)
}

// heads makes the mock's per-head launches longer by a whole number.
func (p *perturbation) heads(perHead []int) {
	by := []float64{2, 4, 8, 16}[p.rng.IntN(4)]
	for _, k := range perHead {
		replace(p.mock, fmt.Sprint(k), func(l kernel) []kernel {
			l.ns = int64(float64(l.ns) * by)
			return []kernel{l}
		})
		p.sites[pair(k)] = string(align.HeadMismatch)
		p.busy[k] = true
	}
	p.allow(align.CodeHeadMismatch, align.CauseHeadCount, fmt.Sprintf("factor %g", by))
	p.say("scaled per-head launches by %g", by)
}

// drop takes some steps away, from the middle too.
func (p *perturbation) drop() {
	s, mock := p.side()
	const least = 4
	for len(s.steps) > least && p.rng.IntN(3) > 0 {
		at := p.rng.IntN(len(s.steps))
		s.steps = slices.Delete(s.steps, at, at+1)
	}
	p.say("%d steps left, of the mock %v", len(s.steps), mock)
}

// streams spreads a side's launches over two streams; the order of issue stays.
func (p *perturbation) streams() {
	s, mock := p.side()
	s.edit(func(k kernel) []kernel {
		k.stream = p.rng.IntN(2)
		return []kernel{k}
	})
	p.say("two streams, in the mock %v", mock)
}

// cut ends a side's capture within its last step.
func (p *perturbation) cut() {
	s, mock := p.side()
	last := len(s.steps) - 1
	if last < 4 {
		return
	}
	s.steps[last] = s.steps[last][:1+p.rng.IntN(len(s.steps[last])-1)]
	p.allow(align.CodeSporadic)
	p.say("cut in the last step at %d, in the mock %v", len(s.steps[last]), mock)
}

// before puts other work before the steps, as loading weights does.
func (p *perturbation) before() {
	s, mock := p.side()
	for range 1 + p.rng.IntN(60) {
		s.prefix = append(s.prefix, kernel{name: fmt.Sprintf("load_kernel_%c", 'a'+p.rng.IntN(5)), ns: noisy(p.rng, 30000)})
	}
	p.say("%d launches before, in the mock %v", len(s.prefix), mock)
}

// sometimes puts a launch more into a tenth of the steps of the E2E.
func (p *perturbation) sometimes() {
	s, mock := p.side()
	n := len(s.steps) / 10
	for range n {
		at := p.rng.IntN(len(s.steps))
		i := p.rng.IntN(len(s.steps[at]))
		s.steps[at] = slices.Insert(s.steps[at], i, kernel{name: "now_and_then", ns: noisy(p.rng, 3000)})
	}
	if n > 0 {
		p.allow(align.CodeSporadic)
	}
	p.say("now and then a launch more, in the mock %v", mock)
}

// expected returns what sites may be found.
func (p *perturbation) expected() []map[string]string {
	if len(p.either) == 0 {
		return []map[string]string{p.sites}
	}
	var all []map[string]string
	for _, e := range p.either {
		m := map[string]string{}
		for k, v := range p.sites {
			m[k] = v
		}
		for k, v := range e {
			m[k] = v
		}
		all = append(all, m)
	}
	return all
}

// A perturbed pair is one to plant differences in.
type perturbedPair struct {
	mock, e2e string
	op, step  string // ranges of the operation; steps of the E2E
	perHead   []int  // launches that scale with the number of heads
}

var perturbedPairs = []perturbedPair{
	{"dsa_mock_ctx", "dsa_e2e_ctx_tp1", `^self_attn$`, `.`, []int{2, 8, 9, 10}},
	{"dsa_mock_gen_graph", "dsa_e2e_gen_graph_node", `^self_attn$`, `.`, nil},
	{"llama_mock_attn", "llama_e2e_prefill", `^self_attn$`, `.`, nil},
	{"llama_tp_mock", "llama_tp_e2e", `^(input_layernorm|self_attn)$`, `.`, []int{1, 2, 3, 4, 5, 6}},
	{"llama_tp_mock_tp4", "llama_tp_e2e_tp4", `^(input_layernorm|self_attn)$`, `.`, []int{1, 2, 3, 4, 5, 6}},
	{"sparse_mock", "sparse_e2e_2streams", `^(input_layernorm|self_attn)$`, `.`, nil},
	{"serve_mock_decode", "serve_e2e_batches", `^(input_layernorm|self_attn)$`, ` 32 gen reqs$`, nil},
	{"serve_mock_prefill", "serve_e2e_mixed", `^(input_layernorm|self_attn)$`, ` 1 ctx reqs`, nil},
	{"deep_mock_layer", "deep_e2e", `^(input_layernorm|self_attn|mlp)$`, `.`, nil},
}

// perturb plants differences in a recorded pair, chosen by a seed.
func perturb(t *testing.T, seed uint64) *perturbation {
	rng := rand.New(rand.NewPCG(seed, 1))
	at := perturbedPairs[rng.IntN(len(perturbedPairs))]
	op, step := regexp.MustCompile(at.op), regexp.MustCompile(at.step)
	mock, e2e := recording(t, at.mock), recording(t, at.e2e)
	p := &perturbation{
		rng:     rng,
		mock:    scriptOf(mock, truthOf(t, mock, op, mockStep, step).site, func(string) bool { return true }),
		e2e:     scriptOf(e2e, truthOf(t, e2e, op, layerRange, step).site, step.MatchString),
		busy:    map[int]bool{},
		sites:   map[string]string{},
		allowed: map[string]bool{},
	}
	p.options.NoNVTX = rng.IntN(2) == 0
	p.say("%s, %s, no-nvtx %v", at.mock, at.e2e, p.options.NoNVTX)
	p.measure()
	for k := range p.n {
		p.sites[pair(k)] = string(align.Match)
	}

	if len(at.perHead) > 0 && rng.IntN(5) == 0 {
		p.heads(at.perHead)
	} else {
		// No more than a third of the operation.
		for range rng.IntN(1 + min(4, p.n/4)) {
			switch rng.IntN(6) {
			case 0:
				p.remove()
			case 1, 2:
				p.insert()
			case 3:
				if p.either == nil {
					p.swap()
				}
			case 4:
				p.rename()
			case 5:
				if !p.allowed[align.CodeLatency] {
					p.scale(rng.IntN(2) == 0)
				}
			}
		}
	}
	for _, harmless := range []func(){p.drop, p.streams, p.cut, p.before, p.sometimes} {
		if rng.IntN(3) == 0 {
			harmless()
		}
	}
	return p
}

// measure finds the operation's names and medians in the E2E.
func (p *perturbation) measure() {
	byTag := map[int][]int64{}
	p.e2e.edit(func(k kernel) []kernel {
		var at int
		if _, err := fmt.Sscan(k.tag, &at); err == nil {
			for len(p.names) <= at {
				p.names = append(p.names, "")
			}
			p.names[at] = k.name
			byTag[at] = append(byTag[at], k.ns)
		}
		return []kernel{k}
	})
	p.n = len(p.names)
	for k := range p.n {
		d := byTag[k]
		slices.Sort(d)
		p.medians = append(p.medians, float64(d[len(d)/2]))
	}
}

// TestPerturbed plants seeded combinations of differences in recorded pairs:
// each must be found, at the right place, and nothing else.
func TestPerturbed(t *testing.T) {
	for seed := range fewer(*perturbations) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			p := perturb(t, uint64(seed))
			c := check(t)
			p.hold(c)
			if len(c.problems) > 0 {
				c.Errorf("planted: %s", strings.Join(p.done, "; "))
			}
		})
	}
}

// hold compares and holds the result against what was planted.
func (p *perturbation) hold(c *checker) {
	mock, mockTags := p.mock.trace("mock")
	e2e, e2eTags := p.e2e.trace("e2e")
	o := p.options
	o.Launches = true
	r := compare(c.t, mock, e2e, o)
	got := map[string]string{}
	for i := range r.Sites {
		s := &r.Sites[i]
		key := strings.Join([]string{tagOf(c, s, "mock", mockTags), tagOf(c, s, "e2e", e2eTags)}, "|")
		if _, ok := got[key]; ok {
			c.Errorf("two sites are %s", key)
		}
		got[key] = string(s.Verdict)
	}
	all := p.expected()
	best := ""
	for _, want := range all {
		if diff := gocmp.Diff(want, got); best == "" || len(diff) < len(best) {
			best = diff
			if diff == "" {
				break
			}
		}
	}
	if best != "" {
		c.Errorf("sites, by what the launches of mock and E2E are (-want +got):\n%s", best)
	}
	for _, f := range r.Findings {
		if !p.allowed[f.Code] {
			c.Errorf("finding %s: %s", f.Code, f.Message)
		}
	}
	for _, x := range r.Causes {
		if !p.allowed[x.Code] {
			c.Errorf("cause %s: %s", x.Code, x.Message)
		}
		if x.Code == align.CauseHeadCount && !p.allowed[fmt.Sprintf("factor %g", x.Factor)] {
			c.Errorf("cause %s: factor %g", x.Code, x.Factor)
		}
	}
	want := align.Aligned
	for _, v := range all[0] {
		if v != string(align.Match) && v != string(align.Variant) {
			want = align.Misaligned
		}
	}
	if r.Verdict != want {
		c.Errorf("verdict %s, want %s", r.Verdict, want)
	}
	if p.allowed[align.CauseHeadCount] && !slices.ContainsFunc(r.Causes, func(x align.Cause) bool { return x.Code == align.CauseHeadCount }) {
		c.Errorf("no cause says head count")
	}
}

// tagOf returns the tag that all launches of a site's side have.
func tagOf(c *checker, s *align.Site, side string, tags map[int64]string) string {
	tag, first := "", true
	for _, l := range s.Launches {
		if l.Side != side {
			continue
		}
		if x := cmp.Or(tags[l.Start], "outside"); first || x == tag {
			tag, first = x, false
		} else {
			c.Errorf("site %d, %s: launches %q and %q together", s.Index, side, tag, x)
			return tag
		}
	}
	return tag
}
