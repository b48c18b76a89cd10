package summary_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/summary"
	"github.com/nsysdiff/nsysdiff/trace"
)

// rankCounts are how many ranks benchmarks have: the cost of each is to be the
// same.
var rankCounts = []int{10, 100, 1000}

// perturbed returns a copy of a report as another rank of its run might have
// recorded it: on another host, with other noise, on a slightly other clock.
func perturbed(t *trace.Trace, rank int) *trace.Trace {
	rng := rand.New(rand.NewPCG(uint64(rank), 0))
	c := trace.Merge(t, &trace.Trace{Strings: []string{""}}) // a copy
	c.Reports = nil
	c.Capture = t.Capture
	c.Capture.Path = fmt.Sprintf("rank%04d.sqlite", rank)
	c.Capture.Host = fmt.Sprintf("node%03d", rank/8)
	pace := 1 + 0.01*rng.NormFloat64()
	l := &c.Launches
	for i := range l.Len() {
		d := float64(l.Duration(i)) * pace * (1 + 0.01*rng.NormFloat64())
		l.Set(i, l.Start[i], int64(d), l.Config[i], l.Origin[i])
	}
	return c
}

// rankSummaries returns the summaries of n perturbed copies of a report.
func rankSummaries(tb testing.TB, t *trace.Trace, n int) []*summary.Summary {
	tb.Helper()
	all := make([]*summary.Summary, n)
	for i := range all {
		all[i] = of(tb, perturbed(t, i))
	}
	return all
}

// served is a report as long as most summaries get: 64 steps of 200 launches.
func served() *trace.Trace { return repeated(64, 200) }

// perRank measures what fn takes for each of so many ranks, beside the time that
// package testing measures the time on processors, which does not count what
// else the machine does.
func perRank(b *testing.B, ranks int, fn func()) {
	b.ReportAllocs()
	b.ResetTimer()
	before := processorTime(b)
	for b.Loop() {
		fn()
	}
	spent := processorTime(b) - before
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*ranks)/1e6, "ms/rank")
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N*ranks)/1e6, "cpu-ms/rank")
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkOf(b *testing.B) {
	t := served()
	perRank(b, 1, func() {
		if _, err := summary.Of(context.Background(), t, align.ReduceOptions{}); err != nil {
			b.Fatal(err)
		}
	})
	b.ReportMetric(float64(len(file(b, of(b, t)))), "B/file")
}

func BenchmarkMergeFiles(b *testing.B) {
	for _, n := range rankCounts {
		b.Run(fmt.Sprintf("ranks=%d", n), func(b *testing.B) {
			dir := b.TempDir()
			var paths []string
			for i, s := range rankSummaries(b, served(), n) {
				path := filepath.Join(dir, fmt.Sprint(i))
				if err := os.WriteFile(path, file(b, s), 0o644); err != nil {
					b.Fatal(err)
				}
				paths = append(paths, path)
			}
			perRank(b, n, func() {
				if _, _, err := summary.MergeFiles(context.Background(), io.Discard, paths...); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// BenchmarkRead reads a merged summary and makes its trace.
func BenchmarkRead(b *testing.B) {
	for _, n := range rankCounts {
		b.Run(fmt.Sprintf("ranks=%d", n), func(b *testing.B) {
			m, _ := summary.Merge(rankSummaries(b, served(), n)...)
			data := file(b, m)
			perRank(b, n, func() {
				s, err := summary.Read(bytes.NewReader(data))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := s.Trace(context.Background()); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// BenchmarkCompare compares the merged summaries of many ranks with that of
// one.
func BenchmarkCompare(b *testing.B) {
	for _, bm := range []struct {
		name       string
		mock, e2e  string
		regression bool
	}{
		{"mock", "llama_mock_attn", "llama_e2e_prefill", false},
		{"regression", "llama_e2e_prefill_again", "llama_e2e_prefill", true},
		{"served", "", "", true},
	} {
		for _, n := range rankCounts {
			b.Run(fmt.Sprintf("%s/ranks=%d", bm.name, n), func(b *testing.B) {
				mock, e2e := served(), served()
				if bm.mock != "" {
					mock, e2e = recording(b, bm.mock), recording(b, bm.e2e)
				}
				m, _ := summary.Merge(rankSummaries(b, e2e, n)...)
				merged, err := m.Trace(context.Background())
				if err != nil {
					b.Fatal(err)
				}
				mock = summarised(b, mock, align.ReduceOptions{})
				runtime.GC()
				perRank(b, n, func() { compare(b, mock, merged, align.Options{Regression: bm.regression}) })
			})
		}
	}
}
