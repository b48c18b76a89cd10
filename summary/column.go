package summary

import (
	"errors"
	"strconv"
)

// A column is integers, written as a JSON array.
type column []int64

func (c column) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 4*len(c)+2)
	b = append(b, '[')
	for i, v := range c {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, v, 10)
	}
	return append(b, ']'), nil
}

var errColumn = errors.New("not an array of integers")

// UnmarshalJSON reads what encoding/json has found to be sound JSON. Package
// json itself would take several times as long.
func (c *column) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*c = nil
		return nil
	}
	if len(b) < 2 || b[0] != '[' {
		return errColumn
	}
	n := 0
	for _, x := range b {
		if x == ',' {
			n++
		}
	}
	out := make(column, 0, n+1)
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case ' ', '\t', '\r', '\n', ',', ']':
			continue
		}
		from := i
		for i < len(b) && (b[i] == '-' || b[i] >= '0' && b[i] <= '9') {
			i++
		}
		v, err := strconv.ParseInt(string(b[from:i]), 10, 64)
		if err != nil || i < len(b) && b[i] != ',' && b[i] != ']' && b[i] != ' ' && b[i] != '\t' && b[i] != '\r' && b[i] != '\n' {
			return errColumn
		}
		out = append(out, v)
	}
	*c = out
	return nil
}

// A delta is a column as the difference of each value to the one before. It
// wraps around.
type delta []int64

func (d delta) MarshalJSON() ([]byte, error) {
	c := make(column, len(d))
	var last int64
	for i, v := range d {
		c[i], last = v-last, v
	}
	return c.MarshalJSON()
}

func (d *delta) UnmarshalJSON(b []byte) error {
	var c column
	if err := c.UnmarshalJSON(b); err != nil {
		return err
	}
	var last int64
	for i, v := range c {
		last += v
		c[i] = last
	}
	*d = delta(c)
	return nil
}
