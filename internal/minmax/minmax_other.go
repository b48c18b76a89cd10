//go:build !amd64 || purego

package minmax

// Order puts the lesser of each two numbers at one place into a, the other into b.
func Order(a, b *Row) { each(a, b) }
