package align_test

import (
	"context"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestOptionsOutOfRange holds the library to what the command's flags refuse.
func TestOptionsOutOfRange(t *testing.T) {
	tr := forwards("model", 4, []string{"norm", "gemm"}, []int64{8, 90})
	re := regexp.MustCompile("x")
	for _, tt := range []struct {
		reason string
		o      align.Options
		want   string // "" if there is nothing wrong
	}{
		{"the defaults", align.Options{}, ""},
		{"no floor", align.Options{MinTime: -time.Nanosecond}, ""},
		{"the least ratio", align.Options{MaxRatio: 1, Kernels: []align.KernelLimit{{MaxRatio: 1}}}, ""},
		{"a ratio within which nothing is", align.Options{MaxRatio: 0.5}, "MaxRatio 0.5"},
		{"negative", align.Options{MaxRatio: -2}, "MaxRatio -2"},
		{"a result with it is no JSON", align.Options{MaxRatio: math.NaN()}, "MaxRatio NaN"},
		{"as above", align.Options{MaxRatio: math.Inf(1)}, "MaxRatio +Inf"},
		{"of one kernel", align.Options{Kernels: []align.KernelLimit{{}, {MaxRatio: 0.1}}}, "Kernels[1]"},
		{"negative", align.Options{MinSamples: -1}, "MinSamples -1"},
		{"negative", align.Options{TP: -8}, "TP -8"},
		{"negative", align.Options{SkipWarmup: -1}, "SkipWarmup -1"},
		{"misspelt", align.Options{By: "names"}, `By "names"`},
		{"a code of no site", align.Options{Accept: []align.Acceptance{{Codes: []string{"extra", "straggler"}}}}, `code "straggler" of Accept[0]`},
		{"half an alias", align.Options{Aliases: []align.Alias{{Mock: re, E2E: re}, {Mock: re}}}, "Aliases[1]"},
	} {
		_, compareErr := align.Compare(context.Background(), tr, tr, tt.o)
		_, reportErr := align.Report(context.Background(), tr, tt.o)
		for _, err := range []error{compareErr, reportErr} {
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %q", tt.reason, err, tt.want)
			}
		}
	}
}

// TestNoFamilies: it leaves the families of rows out and changes nothing else.
func TestNoFamilies(t *testing.T) {
	tr := forwards("model", 4, []string{"norm", "nvjet_sm90_tst_128x32_64x10_4x1_v_bz_splitK_TNT"}, []int64{8, 90})
	for _, by := range []align.Grouping{align.ByName, align.ByFamily, align.ByShort, align.ByGrid} {
		want := report(t, tr, align.Options{By: by})
		got := report(t, tr, align.Options{By: by, NoFamilies: true})
		for i := range want.Kernels {
			if row := &want.Kernels[i]; row.Family == "" {
				t.Errorf("by %s: %s has no family", by, row.Name)
			}
			want.Kernels[i].Family, got.Kernels[i].Family = "", ""
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("by %s (-with +without):\n%s", by, d)
		}
	}
	if row := report(t, tr, align.Options{NoFamilies: true}).Kernels[0]; row.Family != "" {
		t.Errorf("%s has a family: %s", row.Name, row.Family)
	}
}

func TestReduceRefuses(t *testing.T) {
	ctx := context.Background()
	tr := forwards("model", 4, []string{"norm", "gemm"}, []int64{8, 90})
	reduced, err := align.Reduce(ctx, tr, align.ReduceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for what, in := range map[string]*trace.Trace{"a reduced trace": reduced, "two reports": trace.Merge(tr, tr)} {
		if _, err := align.Reduce(ctx, in, align.ReduceOptions{}); err == nil {
			t.Errorf("%s was reduced", what)
		}
	}
}
