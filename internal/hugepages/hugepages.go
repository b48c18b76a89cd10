// Package hugepages makes slices that are costly to touch for the first time
// less so.
package hugepages

import "unsafe"

// large is the size from which advice is worth a system call: two huge pages
// on most machines.
const large = 4 << 20

// Make returns a new slice of n zero values, backed by huge pages where it is
// large and the kernel has some.
//
// The columns of 10 million launches are 60,000 pages of 4 KiB, and to touch
// each for the first time takes longer than to read the report: many times as
// long in a virtual machine.
func Make[T any](n int) []T {
	s := make([]T, n)
	if size := uintptr(n) * unsafe.Sizeof(*new(T)); size >= large {
		advise(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), size))
	}
	return s
}
