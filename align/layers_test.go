package align_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nsysdiff/nsysdiff/align"
)

// TestLayersOfTwoKinds compares mocks of one kind of layer with models of two: the mock is
// held against the layers that it equals, and where those are few that is left open.
func TestLayersOfTwoKinds(t *testing.T) {
	dense := fullShape.model(1)[1:14]
	other := func(change func(k *kernel)) []kernel {
		op := slices.Clone(dense)
		for i := range op {
			change(&op[i])
		}
		return op
	}
	experts := slices.Concat(dense[:10], []kernel{
		{name: "topkGating", ns: 9_000, grid: [3]int32{64, 1, 1}, block: [3]int32{256, 1, 1}},
		{name: "moe_align_block_size_kernel", ns: 7_000, grid: [3]int32{8, 1, 1}, block: [3]int32{256, 1, 1}},
		{name: "fused_moe_kernel", ns: 400_000, grid: [3]int32{640, 1, 1}, block: [3]int32{256, 1, 1}},
	})
	more := slices.Insert(slices.Clone(dense), 5, kernel{name: "kv_cache_store_kernel", ns: 20_000, grid: [3]int32{8, 1, 1}, block: [3]int32{256, 1, 1}})
	window := func(grid bool) []kernel {
		return other(func(k *kernel) {
			if k.name == "flash_fwd_kernel" {
				k.ns /= 4
				if grid {
					k.grid[0] /= 2
				}
			}
		})
	}
	for _, x := range []struct {
		reason   string
		mock     []kernel
		layers   string // d for dense, the kind of the mock unless other is set; o for other
		other    []kernel
		places   int
		verdict  align.Verdict
		findings []string
	}{
		{"dense layers among layers of experts", dense, "ddoooooooo", experts, 2, align.Undecided, []string{"occurrences warning"}},
		{"layers of experts, the first dense", experts, "ddoooooooo", experts, 8, align.Aligned, []string{"occurrences info"}},
		{"one launch more in every second layer", dense, "dodododo", more, 4, align.Aligned, []string{"occurrences info"}},
		{"one launch less in one layer", more, "oooooodo", more, 7, align.Aligned, []string{"occurrences info"}},
		{"windows in every second layer, told by the grid", dense, "dodododo", window(true), 4, align.Aligned, []string{"occurrences info"}},
		{"windows in most layers, told by the grid", dense, "dooodooo", window(true), 2, align.Undecided, []string{"occurrences warning"}},
		{"windows in every second layer, told by the time", dense, "dodododo", window(false), 8, align.Undecided, []string{"undecided warning"}},
		{"windows in most layers, told by the time", dense, "dooodooo", window(false), 8, align.Undecided, []string{"undecided warning"}},
		{"one layer with a window", dense, "ddddddod", window(false), 8, align.Aligned, []string{"occurrences info"}},
		{"a mock of windows", window(false), "dodododo", window(false), 8, align.Undecided, []string{"undecided warning"}},
	} {
		for _, bare := range []bool{false, true} {
			name := strings.ReplaceAll(x.reason, " ", "-") + "/nvtx"
			if bare {
				name = strings.TrimSuffix(name, "nvtx") + "no-nvtx"
			}
			t.Run(name, func(t *testing.T) {
				c := check(t)
				whole := fullShape.model(1)
				model := slices.Clone(whole[:1])
				for _, l := range x.layers {
					if l == 'd' {
						model = append(model, dense...)
					} else {
						model = append(model, x.other...)
					}
				}
				model = append(model, whole[14:]...)
				for i := range model {
					model[i].path = nil
				}
				mock, _ := program(1, 10, x.mock).trace("mock")
				e2e, _ := program(2, 8, model).trace("e2e")
				r := compare(t, mock, e2e, align.Options{NoNVTX: bare})
				if r.Verdict != x.verdict || r.E2E.Occurrences != x.places {
					c.Errorf("verdict %s of %d places, want %s of %d", r.Verdict, r.E2E.Occurrences, x.verdict, x.places)
				}
				if diff := cmp.Diff(x.findings, findingCodes(r), cmpopts.EquateEmpty()); diff != "" {
					c.Errorf("findings (-want +got):\n%s", diff)
				}
				for _, s := range r.Sites {
					if s.Verdict != align.Match && (s.Verdict != align.SiteUndecided || s.MockName != "flash_fwd_kernel") {
						c.Errorf("site %d, %s: %s (%s)", s.Index, s.MockName, s.Verdict, s.Reason)
					}
				}
			})
		}
	}
}

// TestOnePlaceOfMany has a mock that launches a copy first, as the model does before its
// first layer alone: that this place holds it exactly does not make the others right.
func TestOnePlaceOfMany(t *testing.T) {
	copying := kernel{name: "copy_block_kernel", ns: 12_000, grid: [3]int32{64, 1, 1}, block: [3]int32{256, 1, 1}}
	model := fullShape.model(12)
	model = slices.Insert(model, 1, copying)
	both(t, func(t *testing.T, o align.Options) {
		mock, _ := program(1, 10, append([]kernel{copying}, fullShape.attentionOp()...)).trace("mock")
		e2e, _ := program(2, 8, model).trace("e2e")
		r := compare(t, mock, e2e, o)
		if r.Verdict != align.Undecided || !slices.Contains(findingCodes(r), "occurrences warning") {
			t.Errorf("verdict %s, findings %v", r.Verdict, findingCodes(r))
		}
		for _, f := range r.Findings {
			if f.Code == align.CodeOccurrences && !strings.Contains(f.Message, "1 of 12 places in each step launch exactly what the mock does and were compared; the other 11 launch part of it, without copy_block_kernel") {
				t.Errorf("finding says %q", f.Message)
			}
		}
	})
}

// TestOtherGEMMs: a mock of one projection is held against the places of its name, not of
// its family.
func TestOtherGEMMs(t *testing.T) {
	model := fullShape.model(12)
	for _, at := range []int{2, 3, 8, 11, 13} {
		both(t, func(t *testing.T, o align.Options) {
			mock, _ := program(1, 10, model[at:at+1]).trace("mock")
			e2e, _ := program(2, 8, model).trace("e2e")
			r := compare(t, mock, e2e, o)
			if r.Verdict != align.Aligned || r.E2E.Occurrences != 12 {
				t.Errorf("%s: verdict %s of %d places, want 12", model[at].name, r.Verdict, r.E2E.Occurrences)
			}
		})
	}
}
