//go:build !linux

package trace

// preferHugePages does nothing where the kernel is not known to take advice.
func preferHugePages[T any]([]T) {}
