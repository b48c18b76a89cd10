package align

// remember returns a function that asks fn once for each value: of one kernel
// there are thousands of sites. It is not for several goroutines.
func remember[K comparable, V any](fn func(K) V) func(K) V {
	known := map[K]V{}
	return func(k K) V {
		v, ok := known[k]
		if !ok {
			v = fn(k)
			known[k] = v
		}
		return v
	}
}
