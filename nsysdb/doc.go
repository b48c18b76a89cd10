// Package nsysdb reads reports that NVIDIA Nsight Systems exported to SQLite,
// of versions 2020.4 to 2026.x, into plain data of package trace.
//
// [Open] looks at a file, says in an [*Error] why it is unusable if it is, and
// reads what the report says about itself. [DB.Read] then reads the launches
// in scope into the columns of a [trace.Trace]:
//
//	db, err := nsysdb.Open(ctx, "report.sqlite", nsysdb.Options{})
//	...
//	defer db.Close()
//	t, err := db.Read(ctx, nsysdb.Query{NVTX: true})
//
// # Attribution
//
// With Query.NVTX each launch is given the NVTX ranges that were open on the
// host when it was issued. The launch's API call is the one of equal
// correlation id made by a thread of its process; the ranges are those open on
// that thread when the call began. A launch replayed from a CUDA graph has two
// places: the graph launch that replayed it (the step, as a rule), and the
// capture of its node (the layer and module), found by following the node to
// the original that it was instantiated from. What the report does not hold is
// counted in Capture.Unattributed and never guessed.
//
// The ranges of a thread are push/pop ranges, which nest, and start/end
// ranges, which need not: a start/end range counts for the thread that started
// it, from its start to its end, wherever it was ended. A launch belongs to the
// range that began last, of those that are open, and to those that are open for
// all of that one's life.
//
// Of two ranges that cross, as a request that begins in one step and ends in
// another, only one can have the launches in both. It is the one that
// Query.Scope names; else the push/pop range, of two domains that of the domain
// with more ranges. The other counts for no launch, and Capture.Warnings says
// how many there are of these.
//
// # Files
//
// Reports are opened read-only and nothing beside them is created, changed or
// locked; see package documentation of internal/table/sqlite for the case of a
// write-ahead log. SQLite, which needs cgo, tells the tables and their columns and
// reads what describes the capture; the page scanner of internal/table/pages reads
// launches, calls, ranges and names, and SQLite those that it does not recognise in
// full. A scanner that sees another schema than SQLite is not used. A build without
// cgo has the scanner alone, and so has a report that SQLite cannot open by its path.
package nsysdb
