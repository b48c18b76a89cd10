//go:build cgo

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nsysdiff/nsysdiff/internal/gen"
)

// BenchmarkCommand runs the whole command on generated reports of 1e4 to 1e7
// launches, one NVTX range for four: with -short, of up to 1e6. To make the
// largest takes half a minute.
func BenchmarkCommand(b *testing.B) {
	dir := b.TempDir()
	mock := filepath.Join(dir, "mock.sqlite")
	write := func(path string, o gen.Options) int64 {
		if err := gen.Write(context.Background(), path, o); err != nil {
			b.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		return info.Size()
	}
	mockSize := write(mock, gen.Options{Launches: 2200, Mock: true, Seed: 1})
	for _, n := range []int{1e4, 1e6, 1e7} {
		if testing.Short() && n > 1e6 {
			break
		}
		e2e := filepath.Join(dir, fmt.Sprintf("e2e-%d.sqlite", n))
		size := int64(0) // of the report, once it is made
		for _, bb := range []struct {
			name string
			args []string
			both int64 // bytes read beside the report once
			runs int   // how often the report is read
		}{
			{"table", []string{e2e}, 0, 1},
			{"comparison", []string{mock, e2e}, mockSize, 1},
			{"comparison-no-nvtx", []string{"--no-nvtx", mock, e2e}, mockSize, 1},
			{"regression", []string{"--regression", e2e, e2e}, 0, 2},
		} {
			b.Run(fmt.Sprintf("%s/%d", bb.name, n), func(b *testing.B) {
				if size == 0 {
					size = write(e2e, gen.Options{Launches: n})
				}
				b.ReportAllocs()
				b.SetBytes(bb.both + int64(bb.runs)*size)
				for b.Loop() {
					var stderr bytes.Buffer
					if status := run(context.Background(), bb.args, environment{io.Discard, &stderr, nothing, time.Now}); status != 0 {
						b.Fatalf("status %d: %s", status, &stderr)
					}
				}
				b.ReportMetric(float64(bb.runs*n)*float64(b.N)/b.Elapsed().Seconds(), "launches/s")
			})
		}
	}
}
