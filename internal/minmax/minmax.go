// Package minmax orders rows of numbers place by place, which is a step of sorting
// the columns that they make: with one comparison after the other of a sorting
// network all columns are sorted at once, without a branch.
package minmax

// Width is how many numbers a row has.
const Width = 32

// A Row is numbers side by side, each of a column of its own.
type Row [Width]int64

// each is Order without the instructions of one kind of processor.
func each(a, b *Row) {
	for i, x := range a {
		y := b[i]
		a[i], b[i] = min(x, y), max(x, y)
	}
}
