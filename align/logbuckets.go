package align

import "math/bits"

// A logBucket is durations of which the leading logBits+1 bits are equal: of like
// proportion, or of one value where they are short.
const (
	logBits    = 7
	logBuckets = (32-logBits-1)<<logBits + 1<<(logBits+1)
)

// logBucket returns the number of a duration's bucket, which is the greater the longer
// the duration.
func logBucket(d uint32) uint32 {
	shift := max(0, bits.Len32(d)-logBits-1)
	return uint32(shift)<<logBits + d>>(shift&31)
}

// logValues returns the durations of a bucket, by the first of them and how many there
// are.
func logValues(bucket uint32) (base, width uint32) {
	shift := max(0, int(bucket>>logBits)-1)
	return (bucket - uint32(shift)<<logBits) << shift, 1 << shift
}
