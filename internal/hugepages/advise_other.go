//go:build !linux

package hugepages

// advise does nothing where the kernel is not known to take advice.
func advise([]byte) {}
