package trace

import "math"

// None marks the absence of an index in the uint32 columns of a trace: no
// range, no graph node, no string.
const None = math.MaxUint32

// A Trace is what one report recorded on the GPU.
//
// The slices are shared, not copied, by everything that works on a trace:
// treat them as read-only once the trace is filled.
type Trace struct {
	Capture Capture
	// Reports holds the capture of each report that was merged into the
	// trace, in order; nil for the trace of one report.
	Reports []Capture

	// Strings holds every text that the trace refers to, each once: kernel
	// names, range names. An index into it is a string id; id 0 is "".
	Strings []string

	Configs  []Config // distinct launch configurations; Launches.Config indexes it
	Lanes    []Lane   // distinct lanes; Config.Lane indexes it
	Tracks   []Track  // ordered by process, then device; they cover Launches exactly
	Launches Launches

	// Nodes holds the CUDA graph nodes that launches were replayed from, and
	// Replays the graph launches (cudaGraphLaunch calls) that replayed them.
	Nodes   []Node
	Replays []Replay

	// Ranges holds the NVTX ranges in order of their start. It is empty where
	// the report has none or the reader was not asked for them.
	Ranges []Range

	MemOps []MemOp // memory copies and sets in order of start, if asked for

	// LeftOut says what the scope left out, each a phrase such as
	// "4,000 launches outside NVTX range \"forward *\"".
	LeftOut []string

	// Reduced says what a reduced trace, one of some steps of a report, was
	// before; nil for a whole one.
	Reduced *Reduced
}

// A Capture is what a report says about itself.
type Capture struct {
	Path        string // file, as given
	Tool        string // version of Nsight Systems that exported it, such as "2025.3.2.0"; "" if it does not say
	Schema      string // version of the export's schema, such as "3.20.3"; "" before there was one
	Host        string
	Driver      string // version of the NVIDIA driver, such as "580.159.04"
	Command     string // the profiled command and its arguments
	GraphMode   string // "node", "graph", or "" where the report does not say
	StartUTC    int64  // start of the capture, nanoseconds since the Unix epoch; 0 if unknown
	Start, Stop int64  // bounds of the capture on the trace's clock; both 0 if unknown

	GPUs      []GPU // that the launches ran on; all of the machine's where the report does not tell
	Processes []Process

	// Launches is the number of kernel rows in the report, whatever the
	// scope let through; GraphLaunches how many of them CUDA graphs replayed.
	Launches      int64
	GraphLaunches int64

	// OpaqueGraphs counts graph launches traced as a whole
	// (--cuda-graph-trace=graph), whose kernels the report does not hold, and
	// OpaqueNS their GPU time.
	OpaqueGraphs int64
	OpaqueNS     int64

	HasNVTX bool // the report holds NVTX ranges, whether they were read or not
	HasAPI  bool // the report holds CUDA API calls

	// Unattributed counts launches whose API call or graph node the report
	// does not hold, so that their NVTX ranges cannot be told.
	Unattributed int64
	// Unresolved counts launches whose name is absent from the report.
	Unresolved int64

	// Warnings are things the reader noticed, in the order noticed, each a
	// sentence without a full stop.
	Warnings    []string
	Diagnostics []Diagnostic // warnings and errors that the profiler itself recorded
}

// A GPU is one device of the machine that was profiled.
type GPU struct {
	ID           int
	Name         string // "NVIDIA H200"
	SMs          int    // multiprocessors; 0 if unknown
	Compute      string // compute capability, "9.0"; "" if unknown
	MemoryBytes  int64
	ClockRateKHz int64 // maximum clock of the multiprocessors; 0 if unknown
}

// A Process is one process of the capture.
type Process struct {
	GlobalPID uint64 // Nsight Systems' serialized process id, unique over the capture
	PID       int
	Name      string
}

// A Diagnostic is a message of the profiler about the capture.
type Diagnostic struct {
	Severity string // "warning" or "error"
	Text     string
}

// A Lane is where launches run in order: one stream of one context.
type Lane struct {
	Report    int // index into Trace.Reports for merged traces, else 0
	GlobalPID uint64
	PID       int
	Device    int
	Context   int
	Stream    int
}

// A Track is the launches First, …, First+N-1 of a trace: those of one process
// on one device, in issue order.
type Track struct {
	Report    int // index into Trace.Reports for merged traces, else 0
	GlobalPID uint64
	PID       int
	Device    int
	First, N  int
}

// A Config is a kernel as it was launched: its name, the launch geometry, the
// lane, and the graph node. Persistent kernels keep one geometry whatever their
// work.
type Config struct {
	Name    uint32 // string id of the demangled name
	Short   uint32 // string id of the name without template arguments and parameters
	Lane    uint32
	Grid    [3]int32 // blocks
	Block   [3]int32 // threads
	SMem    int32    // static and dynamic shared memory, bytes
	Regs    int32    // registers a thread
	Mangled uint32   // string id of the mangled name, None if the report has none
	// Node is an index into Trace.Nodes for launches that are replayed from a
	// CUDA graph and None for all others.
	Node uint32
}

// A Node is a kernel node of a CUDA graph.
type Node struct {
	ID uint64 // the graph node id of the report
	// Order is the node's place among the nodes of its graph: the order in
	// which they were made, which replays alike.
	Order uint32
	// Range is the innermost NVTX range that was open when the node was
	// captured, an index into Trace.Ranges, or None.
	Range uint32
}

// A Replay is one launch of a CUDA graph.
type Replay struct {
	Correlation uint32 // of the API call; unique within a process
	Range       uint32 // innermost NVTX range open at the call, or None
}

// A Range is an NVTX range.
type Range struct {
	Start, End int64  // End is math.MaxInt64 for a range that was not closed
	Name       uint32 // string id
	Parent     uint32 // the range around it on its thread, an index into Trace.Ranges, or None
	Thread     uint64 // global thread id
}

// A MemOp is a copy or a set of memory on the GPU.
type MemOp struct {
	Start, Duration int64
	Bytes           int64
	Name            uint32 // string id: what it is, as Nsight Systems names it: "[CUDA memcpy Host-to-Device]"
	Lane            uint32
}
