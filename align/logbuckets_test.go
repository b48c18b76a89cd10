package align

import (
	"math"
	"testing"
)

// TestLogBuckets: the buckets follow one another, from the shortest duration to the
// longest, and each duration is in the one that says so.
func TestLogBuckets(t *testing.T) {
	next := uint64(0)
	for bucket := range uint32(logBuckets) {
		base, width := logValues(bucket)
		if uint64(base) != next {
			t.Fatalf("bucket %d begins at %d, want %d", bucket, base, next)
		}
		next += uint64(width)
		for _, d := range []uint32{base, base + width/2, base + width - 1} {
			if got := logBucket(d); got != bucket {
				t.Fatalf("%d is in bucket %d, want %d", d, got, bucket)
			}
		}
		if width > 1 && base>>logBits < width {
			t.Errorf("bucket %d of %d values begins at %d: it is too long", bucket, width, base)
		}
	}
	if next != math.MaxUint32+1 {
		t.Errorf("the last bucket ends at %d", next)
	}
}
