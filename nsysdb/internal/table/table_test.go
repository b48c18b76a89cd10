package table_test

import (
	"math"
	"testing"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

func TestWhole(t *testing.T) {
	real := func(f float64) table.Value { return table.Value{Kind: table.Real, Float: f} }
	for _, c := range []struct {
		reason string
		value  table.Value
		want   int64
		ok     bool
	}{
		{"an integer", table.Value{Kind: table.Integer, Int: math.MinInt64}, math.MinInt64, true},
		{"a whole number", real(281474993487873), 281474993487873, true},
		{"a negative one", real(-7), -7, true},
		{"the greatest that is exact", real(1<<53 - 1), 1<<53 - 1, true},
		{"one that stands for several integers", real(1 << 53), 0, false},
		{"a fraction", real(59.5), 0, false},
		{"no number", real(math.NaN()), 0, false},
		{"infinity", real(math.Inf(-1)), 0, false},
		{"NULL", table.Value{}, 0, false},
		{"a text", table.Value{Kind: table.Text, Bytes: []byte("7")}, 0, false},
	} {
		if got, ok := c.value.Whole(); got != c.want || ok != c.ok {
			t.Errorf("%s: %d, %v, want %d, %v", c.reason, got, ok, c.want, c.ok)
		}
	}
}
