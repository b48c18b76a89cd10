// Package summary keeps what a comparison needs of a report in a small file: a
// baseline to check in, or one rank of a thousand.
//
// [Of] summarises the trace of one report: it keeps whole steps, evenly spread,
// of each kind that the report has, and of all launches the distributions of
// their durations (align.Reduce). [Merge] puts the summaries of several reports
// of one run together. [Summary.Trace] gives back a trace that compares as those
// of the reports do.
//
// # Format
//
// A file is gzip of lines of JSON: first a header,
//
//	{"schema":"nsysdiff-summary/1","reports":2}
//
// and then a line for each report, in order of host, start of the capture, path
// and digest of the line. Each line is a gzip member of its own, so that merging
// copies members and needs no memory for what is in them; a file that was
// decompressed and compressed again is refused. Merging is therefore associative
// and commutative to the byte. The digest is of what was read of a
// report, not of its path: a report that is there twice counts once, be it under
// several paths.
//
// Integers stand in columns, most of them as differences. Equal summaries made
// by one build of nsysdiff are equal bytes: a file holds no time of its making
// and nothing in the order of a hash table.
//
// A reader ignores fields that it does not know. What a reader of schema 1
// cannot read has another number.
//
// # What is not in it
//
// A summary holds what trace.Capture says of the report, the profiled command
// and the host's name among it, names of kernels and of NVTX ranges, and times.
// It holds no environment variables and none of the report's other tables.
package summary
