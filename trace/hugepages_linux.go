package trace

import (
	"os"
	"syscall"
	"unsafe"
)

// preferHugePages asks the kernel to back a new slice with huge pages, if it
// is large. The columns of 10 million launches are 60,000 pages of 4 KiB, and
// to touch each for the first time takes longer than to read the report: many
// times as long in a virtual machine.
func preferHugePages[T any](s []T) {
	const large = 4 << 20 // bytes; two huge pages on most machines
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), uintptr(len(s))*unsafe.Sizeof(*new(T)))
	if len(b) < large {
		return
	}
	page := uintptr(os.Getpagesize())
	if skip := -uintptr(unsafe.Pointer(&b[0])) & (page - 1); skip > 0 {
		b = b[skip:]
	}
	// It is advice: where it is not taken, nothing changes but the time.
	_ = syscall.Madvise(b, syscall.MADV_HUGEPAGE)
}
