package align

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEvidence(t *testing.T) {
	for _, n := range []int{0, 1, maxEvidence, maxEvidence + 1, 100} {
		var e evidence
		var want []string
		worded := 0
		for i := range n {
			line := fmt.Sprint("line ", i)
			e.add(func() string { worded++; return line })
			if n <= maxEvidence || i < maxEvidence-1 {
				want = append(want, line)
			}
		}
		if n > maxEvidence {
			want = append(want, fmt.Sprintf("and %d lines more", n-maxEvidence+1))
		}
		if diff := cmp.Diff(want, e.shown()); diff != "" {
			t.Errorf("%d lines (-want +got):\n%s", n, diff)
		}
		if worded > maxEvidence {
			t.Errorf("%d of %d lines were put into words", worded, n)
		}
	}
}
