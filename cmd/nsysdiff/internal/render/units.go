package render

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A scale is a unit of time and how to write a number in it. All numbers of
// a row share one, so that they can be compared at a glance.
type scale struct {
	unit   string
	ns     float64
	digits int
}

// scaleFor returns the unit for a row of times: the largest in which none of
// them is below 1, leaving out zeros, so that the smallest still shows three
// digits; and a larger one where the largest would take too many.
func scaleFor(ns ...float64) scale {
	scales := []scale{{"ns", 1, 0}, {"µs", 1e3, 2}, {"ms", 1e6, 2}, {"s", 1e9, 2}}
	least, most := 0.0, 0.0
	for _, v := range ns {
		if v > 0 && (least == 0 || v < least) {
			least = v
		}
		most = max(most, v)
	}
	i := 0
	for i+1 < len(scales) && (least >= scales[i+1].ns || most >= 1e5*scales[i].ns) {
		i++
	}
	return scales[i]
}

// number returns a time as a number without its unit.
func (s scale) number(ns float64) string {
	v := ns / s.ns
	if s.digits > 0 && v > 0 && v < 0.005 {
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', s.digits, 64)
}

// time returns a time with its unit: "25.20 ms".
func (s scale) time(ns float64) string { return s.number(ns) + " " + s.unit }

// duration returns one time in its own unit.
func duration(ns float64) string { return scaleFor(ns).time(ns) }

func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + "%" }

func ratio(r float64) string {
	switch {
	case r >= 100:
		return strconv.FormatFloat(r, 'f', 0, 64)
	case r < 0.1:
		return strconv.FormatFloat(r, 'g', 2, 64)
	}
	return strconv.FormatFloat(r, 'f', 2, 64)
}

// count returns n with its noun, with separators of thousands:
// "1 launch", "1,234 launches".
func count[T int | int64](n T, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(int64(n)) + " " + many
}

func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// exact returns a float of nanoseconds as nsys prints it: to a tenth.
func exact(ns float64) string { return fmt.Sprintf("%.1f", ns) }

// whole returns a float that is written as an integer, as most of nanoseconds are:
// that takes a fourth of the time. Minus zero is not.
func whole(x float64) (int64, bool) {
	const exact = 1 << 53
	return int64(x), math.Abs(x) < exact && x == math.Trunc(x) && (x != 0 || !math.Signbit(x))
}
