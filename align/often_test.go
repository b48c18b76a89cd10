package align_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nsysdiff/nsysdiff/align"
)

// TestAsOften compares runs of which some steps launch a kernel that others do not: what
// both do in about half of their steps neither has lost.
func TestAsOften(t *testing.T) {
	model := fullShape.model(3)
	capture := func(seed uint64, n int, has func(step int) bool) *script {
		s := program(seed, n, model)
		for i := range s.steps {
			if has(i) {
				s.steps[i] = slices.Insert(s.steps[i], 20, kernel{name: "copy_block_kernel", ns: 9_000, grid: [3]int32{8, 1, 1}, block: [3]int32{128, 1, 1}, path: model[20].path})
			}
		}
		return s
	}
	every := func(n, of int) func(int) bool { return func(i int) bool { return i%of < n } }
	for _, x := range []struct {
		reason    string
		base, new func(int) bool
		steps     [2]int
		findings  []string
	}{
		{"every second step, odd in one run and even in the other", every(1, 2), func(i int) bool { return i%2 == 1 }, [2]int{9, 9}, nil},
		{"11 of 20 and 9 of 20", every(11, 20), every(9, 20), [2]int{20, 20}, nil},
		{"52 % and 48 % of many", every(52, 100), every(48, 100), [2]int{1000, 1000}, nil},
		{"all and a third", every(1, 1), every(1, 3), [2]int{12, 12}, []string{"extra error", "sporadic info"}},
		{"a third and all", every(1, 3), every(1, 1), [2]int{12, 12}, []string{"missing error", "sporadic info"}},
		{"half and none", every(1, 2), every(0, 1), [2]int{12, 12}, []string{"extra error"}},
	} {
		t.Run(x.reason, func(t *testing.T) {
			a, _ := capture(1, x.steps[0], x.base).trace("base")
			b, _ := capture(2, x.steps[1], x.new).trace("new")
			r := compare(t, a, b, align.Options{Regression: true})
			if diff := cmp.Diff(x.findings, findingCodes(r), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if x.findings == nil {
				at := slices.IndexFunc(r.Sites, func(s align.Site) bool { return s.E2EName == "copy_block_kernel" })
				if at < 0 || r.Sites[at].Verdict != align.Match {
					t.Errorf("no site where the copies match: %s", fmt.Sprint(at))
				}
			}
		})
	}
}
