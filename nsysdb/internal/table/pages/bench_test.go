package pages_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/nsysdiff/nsysdiff/internal/gen"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/pages"
)

var large = flag.Bool("large", false, "run the benchmarks on 10 million launches too")

// The columns that a comparison needs of each launch: those that differ from
// launch to launch, and those that repeat.
var (
	launchColumns = []string{"start", "end", "correlationId", "graphNodeId"}
	configColumns = []string{
		"globalPid", "deviceId", "contextId", "streamId", "demangledName", "shortName", "mangledName",
		"gridX", "gridY", "gridZ", "blockX", "blockY", "blockZ", "staticSharedMemory", "dynamicSharedMemory", "registersPerThread",
	}
)

// report returns a generated report, which it keeps in the temporary
// directory for the next run.
func report(b *testing.B, launches int) string {
	b.Helper()
	path := filepath.Join(os.TempDir(), fmt.Sprintf("nsysdiff-bench-%d.sqlite", launches))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	// Write under another name, so that a run cut short leaves no part of one.
	o := gen.Options{Launches: launches}
	if err := gen.Write(b.Context(), path+".part", o); err != nil {
		b.Fatal(err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		b.Fatal(err)
	}
	return path
}

func BenchmarkInts(b *testing.B) {
	for _, launches := range []int{1e4, 1e6, 1e7} {
		b.Run(fmt.Sprintf("launches=%.0e", float64(launches)), func(b *testing.B) {
			if launches > 1e6 && !*large {
				b.Skip("needs -large")
			}
			path := report(b, launches)
			info, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(info.Size())
			var rows atomic.Int64
			opts := table.IntsOptions{Keys: configColumns, Key: func(int, []table.Value) (uint32, error) { return 0, nil }}
			for b.Loop() {
				s, err := pages.Open(b.Context(), path)
				if err != nil {
					b.Fatal(err)
				}
				err = s.Ints(b.Context(), "CUPTI_ACTIVITY_KIND_KERNEL", launchColumns, opts, func(batch table.Batch) error {
					rows.Add(int64(batch.N))
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				s.Close()
			}
			b.ReportMetric(float64(rows.Load())/b.Elapsed().Seconds(), "launches/s")
		})
	}
}

// BenchmarkManyKeys reads a table of 200,000 rows that have one of many keys each,
// in turn: a few hundred, or more than a worker makes templates for.
func BenchmarkManyKeys(b *testing.B) {
	for _, keys := range []int{300, 10_000, 200_000} {
		b.Run(fmt.Sprint(keys), func(b *testing.B) {
			s, _ := made(b, "CREATE TABLE t(a INTEGER, k INTEGER)", fmt.Sprintf(
				`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i < 199999)
				INSERT INTO t SELECT i, 1000000 + i %% %d FROM n`, keys))
			opts := table.IntsOptions{Keys: []string{"k"}, Key: func(_ int, row []table.Value) (uint32, error) { return uint32(row[0].Int), nil }}
			var rows atomic.Int64
			b.ReportAllocs()
			for b.Loop() {
				err := s.Ints(b.Context(), "t", []string{"a"}, opts, func(batch table.Batch) error {
					rows.Add(int64(batch.N))
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows.Load())/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
