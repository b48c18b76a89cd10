package align_test

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nsysdiff/nsysdiff/align"
)

func TestSample(t *testing.T) {
	for _, x := range []struct {
		reason    string
		durations []int64
		bounds    []uint32
		want      align.Sample
	}{
		{"none", nil, nil, align.Sample{}},
		{"one has no deviation and no interval", []int64{7}, nil,
			align.Sample{N: 1, TotalNS: 7, MedianNS: 7, MeanNS: 7, MinNS: 7, MaxNS: 7, P5NS: 7, P95NS: 7}},
		{"the median of an even number is the mean of the middle two", []int64{4, 1, 3, 10}, nil,
			align.Sample{N: 4, TotalNS: 18, MedianNS: 3.5, MeanNS: 4.5, StddevNS: math.Sqrt(45.0 / 3), MinNS: 1, MaxNS: 10, P5NS: 1.3, P95NS: 9.1}},
		{"six are enough for an interval", []int64{6, 5, 4, 3, 2, 1}, nil,
			align.Sample{N: 6, TotalNS: 21, MedianNS: 3.5, MeanNS: 3.5, StddevNS: math.Sqrt(3.5), MinNS: 1, MaxNS: 6, P5NS: 1.25, P95NS: 5.75, LoNS: 1, HiNS: 6}},
		{"steps of several launches, one of them empty", []int64{1, 3, 9, 5, 5}, []uint32{0, 2, 2, 5},
			align.Sample{N: 5, TotalNS: 23, MedianNS: 5, MeanNS: 4.6, StddevNS: math.Sqrt((3.6*3.6 + 1.6*1.6 + 4.4*4.4 + 2*0.4*0.4) / 4), MinNS: 1, MaxNS: 9, P5NS: 1.4, P95NS: 8.2, Steps: []float64{2, 5}}},
	} {
		got := align.NewSample(slices.Clone(x.durations), x.bounds)
		if diff := cmp.Diff(x.want, *got, cmpopts.EquateApprox(1e-12, 0)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", x.reason, diff)
		}
	}
}

// TestSampleBlocks looks at samples of more steps than are kept.
func TestSampleBlocks(t *testing.T) {
	const n = 1000
	durations, bounds := make([]int64, n), make([]uint32, n+1)
	for i := range durations {
		durations[i] = int64(i)
		bounds[i+1] = uint32(i + 1)
	}
	s := align.NewSample(durations, bounds)
	if len(s.Steps) == 0 || len(s.Steps) > 64 || !slices.IsSorted(s.Steps) {
		t.Errorf("%d blocks, want at most 64, of a trend that rises", len(s.Steps))
	}
	if mid := s.Steps[len(s.Steps)/2]; math.Abs(mid-n/2) > n/50 {
		t.Errorf("the middle block is %g", mid)
	}
}

// TestBlocks: steps of one launch each need no bounds.
func TestBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for _, n := range []int{1, 2, 63, 64, 65, 127, 1000, 64 * 255, 64 * 257, 100_000} {
		durations, bounds := make([]int64, n), make([]uint32, n+1)
		for i := range durations {
			durations[i] = 1000 + rng.Int64N(1<<(1+i%20))
			bounds[i+1] = uint32(i + 1)
		}
		want := align.NewSample(slices.Clone(durations), bounds).Steps
		if d := cmp.Diff(want, align.Blocks(durations)); d != "" {
			t.Errorf("%d steps (-with bounds +without):\n%s", n, d)
		}
	}
}

// TestMedianRank holds ranks against the table of Conover 1999, "Practical
// Nonparametric Statistics", A3 (binomial, p = 1/2), and the interval's
// confidence against the binomial distribution itself.
func TestMedianRank(t *testing.T) {
	table := map[int]int{
		1: -1, 5: -1, // 2/2^5 = 6.25 % is too much
		6: 0, 7: 0, 8: 0, 9: 1, 10: 1, 11: 1, 12: 2, 15: 3, 20: 5, 25: 7, 30: 9, 40: 13, 50: 17, 100: 39,
	}
	for n, want := range table {
		if got := align.MedianRank(n); got != want {
			t.Errorf("n = %d: rank %d, want %d", n, got, want)
		}
	}
	for n := 6; n < 300; n++ {
		r := align.MedianRank(n)
		if miss := binomialTail(n, r); 2*miss > 0.05 {
			t.Errorf("n = %d: ranks from %d miss the median with probability %g", n, r, 2*miss)
		}
		if miss := binomialTail(n, r+1); 2*miss <= 0.05 {
			t.Errorf("n = %d: rank %d is too low, %d would do", n, r, r+1)
		}
	}
}

// binomialTail returns P(X ≤ k) of n fair coins, in logarithms.
func binomialTail(n, k int) float64 {
	sum := 0.0
	for i := 0; i <= k; i++ {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(i + 1))
		c, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(a - b - c - float64(n)*math.Ln2)
	}
	return sum
}

func TestRatioIsFinite(t *testing.T) {
	for _, x := range []struct{ x, y, lo, hi float64 }{
		{0, 0, 1, 1}, {5, 5, 1, 1}, {10, 5, 2, 2}, {1, 0, 1e6, math.MaxFloat64}, {0, 1, 0, 1e-6},
	} {
		if r := align.RatioOf(x.x, x.y); !(r >= x.lo && r <= x.hi) || r <= 0 {
			t.Errorf("%g over %g is %g", x.x, x.y, r)
		}
	}
}

// TestKernelTable holds the table by name against what nsys stats says of the
// same recordings.
func TestKernelTable(t *testing.T) {
	files, err := filepath.Glob("../testdata/nsys-stats/*.cuda_gpu_kern_sum.csv")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d tables, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".cuda_gpu_kern_sum.csv")
		t.Run(name, func(t *testing.T) {
			want := statsTable(t, file)
			r := report(t, recording(t, name), align.Options{})
			if len(r.Kernels) != len(want) {
				t.Errorf("%d kernels, nsys stats has %d", len(r.Kernels), len(want))
			}
			for _, k := range r.Kernels {
				// nsys stats rounds to a tenth.
				round := func(f float64) float64 { return math.Round(10*f) / 10 }
				got := statsRow{k.Mock.TotalNS, k.Mock.N, round(k.Mock.MeanNS), round(k.Mock.MedianNS), k.Mock.MinNS, k.Mock.MaxNS, round(k.Mock.StddevNS)}
				if diff := cmp.Diff(want[k.Name], got, cmpopts.EquateApprox(0, 0.11)); diff != "" {
					t.Errorf("%s (-nsys stats +got):\n%s", k.Name, diff)
				}
			}
		})
	}
}

type statsRow struct {
	Total             int64
	N                 int
	Mean, Median      float64
	Min, Max          int64
	StandardDeviation float64
}

func statsTable(t *testing.T, file string) map[string]statsRow {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]statsRow{}
	for _, row := range rows[1:] {
		num := func(i int) float64 {
			v, err := strconv.ParseFloat(row[i], 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		table[row[8]] = statsRow{int64(num(1)), int(num(2)), num(3), num(4), int64(num(5)), int64(num(6)), num(7)}
	}
	return table
}
