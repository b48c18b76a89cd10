//go:build !purego

package minmax

import "golang.org/x/sys/cpu"

// Order puts the lesser of each two numbers at one place into a, the other into b.
func Order(a, b *Row) {
	if cpu.X86.HasAVX2 {
		orderAVX2(a, b)
		return
	}
	each(a, b)
}

// orderAVX2 does what each does in a third of the time: four numbers at a time.
//
//go:noescape
func orderAVX2(a, b *Row)
