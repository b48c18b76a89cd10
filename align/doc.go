// Package align compares the work that two programs put on a GPU, launch by
// launch: that of a mock, which runs one layer or operation by itself, with
// that of the model served end to end (E2E), or two runs of one program.
//
// [Compare] takes the traces of both sides, of package nsysdb or from a
// [trace.Builder], and returns a [Result]: sites, findings, causes, a checklist
// and a verdict.
//
//	r, err := align.Compare(ctx, mock, e2e, align.Options{})
//
// [Report] makes the table of kernels of one trace, [Expect] holds a result to
// what is known of kernels beforehand, and [Reduce] makes a trace of any size a
// small one that compares alike. [Family], [ShortName], [Dtypes] and [Kind] say
// what the name of a kernel tells.
//
// # Steps, occurrences, sites
//
// A step is one repetition of what a capture repeats: a forward pass of the
// mock, an iteration of the model's executor. Steps are told by the NVTX ranges
// that repeat, or else by the replays of CUDA graphs, or else by the period of
// the sequence of launches. Ranges tell them best, and nothing else tells the
// module that a launch belongs to: a report should be read with Query.NVTX of
// package nsysdb, which does not read them by default.
//
// An occurrence is a place in the E2E's step where the mock's step aligns,
// normally one in each layer. Launches are aligned in their order, by name
// first, then by family, and by launch geometry and NVTX range where that leaves
// a choice. Two runs of one program are aligned step by step as a whole.
//
// A site is one position in the mock's step, or one between two where the E2E
// has a launch that the mock lacks. What is compared at a site are the
// durations there, over all steps and occurrences: one name may stand at
// several sites, with other shapes and times.
//
// # Verdicts
//
// The ratio of the medians decides, beyond a least difference
// ([Options.MaxRatio], [Options.MinTime]). Its interval and the number of
// launches only qualify: they can make a site undecided, and do not make it
// differ. What of the differences goes together is explained by causes: a factor
// that only work per head shares is another number of heads.
//
// # Results
//
// A [Result] is a plain value. Times are in nanoseconds and shares are from 0
// to 1; ratios are mock over E2E, and new over base with [Options.Regression].
// Equal traces and options give equal results, to the byte once they are JSON.
//
// Programs branch on verdicts, codes and statuses. Messages, hints and reasons
// are for people and may change; hints name the flags and settings of the
// command nsysdiff.
//
// Traces are not changed.
package align
