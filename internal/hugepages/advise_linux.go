package hugepages

import (
	"os"
	"syscall"
	"unsafe"
)

// advise asks the kernel for huge pages.
func advise(b []byte) {
	page := uintptr(os.Getpagesize())
	b = b[-uintptr(unsafe.Pointer(&b[0]))&(page-1):]
	// It is advice: where it is not taken, nothing changes but the time.
	_ = syscall.Madvise(b, syscall.MADV_HUGEPAGE)
}
