package ranktest

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// Job returns n ranks that do the same work, perHost of them on each host:
// other processes and devices, clocks that differ by seconds, and durations
// that differ by up to 2 %.
func Job(n, perHost int) []Rank {
	ranks := make([]Rank, n)
	for i := range ranks {
		ranks[i] = Rank{
			Host:   fmt.Sprintf("node%d", i/perHost),
			PID:    100 * (i % perHost), // ids repeat between hosts
			Device: i % perHost,
			Clock:  time.Duration(i) * 1234567890,
			Noise:  0.02,
			Seed:   uint64(i),
		}
	}
	return ranks
}

// WriteJob writes the reports of ranks, which are changed copies of recording,
// to dir and returns their paths.
func WriteJob(ctx context.Context, recording, dir string, ranks []Rank) ([]string, error) {
	paths := make([]string, len(ranks))
	for i, r := range ranks {
		paths[i] = filepath.Join(dir, fmt.Sprintf("rank%d.sqlite", i))
		if err := Write(ctx, recording, paths[i], r); err != nil {
			return nil, err
		}
	}
	return paths, nil
}
