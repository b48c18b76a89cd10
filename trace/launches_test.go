package trace_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/trace"
)

// A row is one launch as the tests write it down.
type row struct {
	Start, Duration int64
	Config, Origin  uint32
}

// row n differs from every other in each column. Every third is too long for
// four bytes.
func numbered(n int) row {
	r := row{int64(n), int64(n) * 10, uint32(n) + 1000, uint32(n) + 2000}
	if n%3 == 1 {
		r.Duration += math.MaxUint32
	}
	return r
}

func numberedRows(n int) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = numbered(i)
	}
	return rows
}

func launchesOf(rows []row) *trace.Launches {
	l := &trace.Launches{}
	l.Resize(len(rows))
	for i, r := range rows {
		l.Set(i, r.Start, r.Duration, r.Config, r.Origin)
	}
	return l
}

func rowsOf(l *trace.Launches) []row {
	rows := make([]row, l.Len())
	for i := range rows {
		rows[i] = row{l.Start[i], l.Duration(i), l.Config[i], l.Origin[i]}
	}
	return rows
}

func TestMove(t *testing.T) {
	for _, tt := range []struct {
		reason string
		moves  []trace.Move
		want   []int // number of the row at each place, of 8
	}{
		{"nothing to do", nil, []int{0, 1, 2, 3, 4, 5, 6, 7}},
		{"what moved stays too", []trace.Move{{To: 5, From: 1, N: 2}}, []int{0, 1, 2, 3, 4, 1, 2, 7}},
		{"no launches", []trace.Move{{To: 8, From: 0, N: 0}}, []int{0, 1, 2, 3, 4, 5, 6, 7}},
		{"down over itself", []trace.Move{{To: 0, From: 1, N: 7}}, []int{1, 2, 3, 4, 5, 6, 7, 7}},
		{"up over itself", []trace.Move{{To: 1, From: 0, N: 7}}, []int{0, 0, 1, 2, 3, 4, 5, 6}},
		{"onto itself", []trace.Move{{To: 2, From: 2, N: 4}}, []int{0, 1, 2, 3, 4, 5, 6, 7}},
		{"a long launch over a short one and back", []trace.Move{{To: 0, From: 1, N: 1}, {To: 1, From: 2, N: 1}}, []int{1, 2, 2, 3, 4, 5, 6, 7}},
		{"one after the other: a swap by a spare place", []trace.Move{{To: 7, From: 0, N: 1}, {To: 0, From: 4, N: 1}, {To: 4, From: 7, N: 1}}, []int{4, 1, 2, 3, 0, 5, 6, 0}},
	} {
		l := launchesOf(numberedRows(8))
		l.Move(tt.moves)
		want := make([]row, len(tt.want))
		for i, n := range tt.want {
			want[i] = numbered(n)
		}
		if d := cmp.Diff(want, rowsOf(l)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.reason, d)
		}
	}
}

// TestMoveAtRandom holds Move to copy on a plain slice.
func TestMoveAtRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		want := numberedRows(1 + rng.IntN(40))
		l := launchesOf(want)
		moves := make([]trace.Move, rng.IntN(6))
		for i := range moves {
			n := rng.IntN(len(want) + 1)
			moves[i] = trace.Move{To: rng.IntN(len(want) - n + 1), From: rng.IntN(len(want) - n + 1), N: n}
		}
		l.Move(moves)
		for _, m := range moves {
			copy(want[m.To:m.To+m.N], want[m.From:m.From+m.N])
		}
		if d := cmp.Diff(want, rowsOf(l)); d != "" {
			t.Fatalf("%+v (-want +got):\n%s", moves, d)
		}
	}
}

// TestMoveBeforeResize moves into launches that are cut off and made anew:
// nothing of a long launch may come back.
func TestMoveBeforeResize(t *testing.T) {
	l := launchesOf(numberedRows(6))
	l.Move([]trace.Move{{To: 5, From: 1, N: 1}, {To: 0, From: 3, N: 1}})
	l.Resize(3)
	l.Resize(6)
	want := append([]row{numbered(3), numbered(1), numbered(2)}, make([]row, 3)...)
	if d := cmp.Diff(want, rowsOf(l)); d != "" {
		t.Errorf("after Resize (-want +got):\n%s", d)
	}
}

func TestPermuteAndCompact(t *testing.T) {
	l := launchesOf(numberedRows(8))
	l.Permute(2, []uint32{1, 2, 0, 3, 5, 4})
	order := []int{0, 1, 3, 4, 2, 5, 7, 6}
	want := make([]row, len(order))
	for i, n := range order {
		want[i] = numbered(n)
	}
	if d := cmp.Diff(want, rowsOf(l)); d != "" {
		t.Errorf("Permute (-want +got):\n%s", d)
	}
	n := l.Compact(func(i int) bool { return i%2 == 1 })
	want = []row{want[1], want[3], want[5], want[7]}
	if d := cmp.Diff(want, rowsOf(l)); d != "" || n != 4 {
		t.Errorf("Compact keeps %d (-want +got):\n%s", n, d)
	}
}

func TestDurations(t *testing.T) {
	given := []int64{0, 1, -1, math.MinInt64, math.MaxUint32 - 1, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64}
	want := []int64{0, 1, 0, 0, math.MaxUint32 - 1, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64}
	var set, column, appended trace.Launches
	set.Resize(len(given))
	column.Resize(len(given) + 1)
	// One start is not 0, so that the end is not the duration.
	starts, ends := make([]int64, len(given)), slices.Clone(given)
	starts[4], ends[4] = -5, given[4]-5
	column.SetTimes(1, starts, ends)
	if !slices.Equal(starts, column.Start[1:]) {
		t.Errorf("SetTimes: starts %d, want %d", column.Start[1:], starts)
	}
	for i, d := range given {
		set.Set(i, 0, d, 0, 0)
		appended.Append(0, d, 0, 0)
	}
	for name, got := range map[string][]row{"Set": rowsOf(&set), "SetTimes": rowsOf(&column)[1:], "Append": rowsOf(&appended)} {
		if !slices.EqualFunc(want, got, func(d int64, r row) bool { return d == r.Duration }) {
			t.Errorf("%s: %v, want durations %v", name, got, want)
		}
	}
}
