// Package trace holds what one Nsight Systems report recorded on the GPU, as
// plain data: launches in columns, NVTX ranges, CUDA graph nodes and what the
// capture says about itself.
//
// It is what the readers of reports (package nsysdb) fill and what the
// comparison (package align) works on, and imports nothing of either. A
// [Trace] can as well be built by hand, from another profiler's records or in
// a test; see [Builder].
//
// # Launches, tracks and lanes
//
// A launch is one execution of a kernel. Launches are kept as columns of 20
// bytes a launch, since a report holds up to 10^8 of them. They are grouped in
// tracks: a [Track] is the launches of one process on one device, in issue
// order, that is, the order in which the host asked for them (a replayed CUDA
// graph counts as issued in the order of its nodes). Unlike the order in which
// they ran, issue order does not change when streams overlap. The stream that
// a launch ran on is its [Lane].
//
// # Time
//
// Every time is in nanoseconds since the time origin of the report, which for
// most reports is near the start of the capture and for some is the Unix
// epoch. Times may be negative. Durations are in nanoseconds.
package trace
