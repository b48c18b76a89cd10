//go:build cgo

package nsysdb_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/nsysdiff/nsysdiff/nsysdb"
)

// makeBig makes a report of n launches, each with an API call, and a range
// around every ten, with the column set of schema 3.2x.
func makeBig(b testing.TB, n int) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "big.sqlite")
	c := connect(b, path, "rwc")
	p, t := global(1, 0), global(1, 1)
	numbers := fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", n-1)
	exec(b, c, "PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", kernels3, calls3, nvtx3, "BEGIN",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO StringIds SELECT i, 'void kernel_' || i || '<float>(int)' FROM n",
		numbers+fmt.Sprintf(`INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL SELECT 1000 * i + 500, 1000 * i + 1300 + i * 7919 %% 100, 0, 1, NULL, 7 + i %% 2, i + 1, %d,
			1 + i %% 100, 101 + i %% 100, NULL, 32, 1 + i %% 50, 1, 1, 128, 1, 1, 0, 1024, NULL FROM n`, p),
		numbers+fmt.Sprintf("INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME SELECT 1000 * i, 1000 * i + 400, 0, %d, i + 1, 1, 0, NULL FROM n", t),
		numbers+fmt.Sprintf("INSERT INTO NVTX_EVENTS SELECT 1000 * i - 10, 1000 * i + 9900, 59, NULL, 'layer ' || i %% 60, %d, NULL, NULL, 0 FROM n WHERE i %% 10 = 0", t),
		"COMMIT")
	if err := c.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

var large = flag.Bool("large", false, "run the benchmarks on 10 million launches too")

func BenchmarkRead(b *testing.B) {
	for _, n := range []int{1e4, 1e6, 1e7} {
		if n > 1e6 && !*large {
			continue
		}
		path := makeBig(b, n)
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		for _, bb := range []struct {
			name, scanner string
			q             nsysdb.Query
		}{
			{"pages", "", nsysdb.Query{}},
			{"pages+nvtx", "", nsysdb.Query{NVTX: true}},
			{"sqlite", "off", nsysdb.Query{}},
		} {
			b.Run(fmt.Sprintf("%s/launches=%d", bb.name, n), func(b *testing.B) {
				b.Setenv("NSYSDIFF_SCANNER", bb.scanner)
				b.ReportAllocs()
				b.SetBytes(info.Size())
				for b.Loop() {
					db, err := nsysdb.Open(context.Background(), path, nsysdb.Options{})
					if err != nil {
						b.Fatal(err)
					}
					if _, err := db.Read(context.Background(), bb.q); err != nil {
						b.Fatal(err)
					}
					db.Close()
				}
				b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "launches/s")
			})
		}
	}
}

// BenchmarkOpen opens a report of half a megabyte.
func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		db, err := nsysdb.Open(context.Background(), "../testdata/dsa_e2e_ctx_tp1.sqlite", nsysdb.Options{})
		if err != nil {
			b.Fatal(err)
		}
		db.Close()
	}
}
