// Package render writes a comparison's result in the formats that people and
// machines read.
//
// A renderer decides nothing: whatever it says stands in the
// [align.Result] that it is given, so that a result stored as JSON and read
// back renders as it did at first, and the exit status does not depend on the
// format.
//
// Kernel and range names come from the profiled program and may hold anything.
// Nothing from a result reaches the output unescaped: see [Clean].
package render
