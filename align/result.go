package align

// Schema names the JSON shape of [Result]. It changes only when a field
// changes its meaning or goes away.
const Schema = "nsysdiff/1"

// A Result is all that a comparison found: a plain value that marshals to
// JSON and from which every output format is rendered. It holds only finite
// numbers. Lists that are required by the schema are never nil.
type Result struct {
	Schema  string  `json:"schema"`
	Mode    Mode    `json:"mode"`
	Verdict Verdict `json:"verdict,omitempty"` // absent in mode report

	Checklist []Check `json:"checklist"`

	// Mock and E2E describe the two sides. In mode regression Mock is the
	// base and E2E the new run; in mode report there is only Mock.
	Mock *Side `json:"mock"`
	E2E  *Side `json:"e2e,omitempty"`

	// Before and After are what the E2E launches just before and just after
	// an occurrence, nearest first, as context: a kernel that is missing at
	// the edge of the operation shows here.
	Before []Neighbour `json:"before,omitempty"`
	After  []Neighbour `json:"after,omitempty"`

	Sites []Site `json:"sites"` // in the order of the merged sequence, those of the main kind of steps first

	// Kernels is the table by name, and MemOps that of memory operations, on
	// request (Options.MemOps): the row with the most time on either side first.
	Kernels []KernelRow `json:"kernels"`
	MemOps  []KernelRow `json:"memops,omitempty"`

	Findings []Finding `json:"findings"` // errors first, then warnings
	Causes   []Cause   `json:"causes"`

	// Regression is what mode regression says of the kind of steps that takes most of
	// the time, and OtherSteps of each further kind that was compared, in the order of
	// their sites.
	Regression *StepTimes  `json:"regression,omitempty"`
	OtherSteps []StepTimes `json:"other_steps,omitempty"`

	Limits Limits `json:"limits"`
}

// A Mode is what was asked.
type Mode string

// The modes.
const (
	ModeCompare    Mode = "compare"    // a mock against the E2E model
	ModeRegression Mode = "regression" // a base against a new run of the same program
	ModeReport     Mode = "report"     // one report by itself
)

// A Verdict is the answer as a whole.
type Verdict string

// The verdicts.
const (
	Aligned       Verdict = "aligned"        // nothing differs that matters
	Misaligned    Verdict = "misaligned"     // something differs
	Undecided     Verdict = "undecided"      // nothing is known to differ, and something could not be told
	NotComparable Verdict = "not-comparable" // the mock was not found in the E2E
)

// A Check is one line of the checklist.
type Check struct {
	ID     string `json:"id"` // one of the Check constants
	Status Status `json:"status"`
	Detail string `json:"detail"`
}

// The checklist, in its order.
const (
	CheckNames   = "names"   // kernel names match
	CheckLatency = "latency" // each kernel is within the ratio
	CheckMissing = "missing" // the mock lacks no kernel
	CheckExtra   = "extra"   // the mock has no kernel that the E2E lacks
	CheckShapes  = "shapes"  // launch geometry and sizes agree: the data flow is the same
)

// A Status is the answer to a check.
type Status string

// The statuses.
const (
	Pass            Status = "pass"
	Fail            Status = "fail"
	StatusUndecided Status = "undecided"
	NotChecked      Status = "not-checked"
)

// A Side describes one side of a comparison: where it came from and what of
// it was compared.
type Side struct {
	Path   string   `json:"path"`
	Tool   string   `json:"nsys_version,omitempty"`
	Schema string   `json:"nsys_schema,omitempty"`
	GPUs   []string `json:"gpus,omitempty"`
	Driver string   `json:"driver,omitempty"`

	Launches      int64   `json:"launches"`       // kernel launches in the report
	InScope       int64   `json:"in_scope"`       // of which in scope
	GraphLaunches int64   `json:"graph_launches"` // of which replayed from CUDA graphs, in the report
	OpaqueGraphs  int64   `json:"opaque_graphs,omitempty"`
	OpaqueNS      int64   `json:"opaque_ns,omitempty"`
	Processes     int     `json:"processes"`
	Devices       int     `json:"devices"`
	Streams       int     `json:"streams"`
	GPUTimeNS     int64   `json:"gpu_time_ns"` // summed time of the launches in scope
	Unattributed  int64   `json:"unattributed,omitempty"`
	Unresolved    int64   `json:"unresolved,omitempty"`
	Tracks        []Track `json:"tracks,omitempty"` // one per process and device

	Steps           int      `json:"steps"`             // steps compared, over all tracks
	LaunchesPerStep int      `json:"launches_per_step"` // of the typical step
	StepKind        string   `json:"step_kind,omitempty"`
	StepsBy         string   `json:"steps_by,omitempty"` // how steps were told: "nvtx", "period", "graph" or "whole"
	StepNS          Sample   `json:"step"`               // summed kernel time of a step
	Occurrences     int      `json:"occurrences,omitempty"`
	LeftOut         []string `json:"left_out,omitempty"` // what was not compared and why, each a phrase

	// Timeline is a typical step as it ran, on request: Options.Plots.
	Timeline *Timeline `json:"timeline,omitempty"`

	Diagnostics []string `json:"diagnostics,omitempty"`
	Warnings    []string `json:"warnings"`
}

// A Timeline is one step as it ran.
type Timeline struct {
	PID         int   `json:"pid"`
	Device      int   `json:"device"`
	StartNS     int64 `json:"start_ns"` // of its first launch, on the report's clock
	SpanNS      int64 `json:"span_ns"`  // from there to the end of its last launch
	Occurrences int   `json:"occurrences"`
	// Launches are in order of start. Of a step of more than 20,000 those
	// outside of occurrences, and then the last, are left out.
	Launches []TimedLaunch `json:"launches"`
	LeftOut  int           `json:"launches_left_out,omitempty"`
}

// A TimedLaunch is a launch of a timeline.
type TimedLaunch struct {
	Site       int    `json:"site"`           // Site.Index, or -1 if it is part of none
	Name       string `json:"name,omitempty"` // only if it is part of no site
	Occurrence int    `json:"occurrence"`     // from 0, or -1 outside of all
	StartNS    int64  `json:"start_ns"`       // after the step's start
	DurationNS int64  `json:"duration_ns"`
}

// A Track is one process on one device, as far as it was compared.
type Track struct {
	Report          string `json:"report,omitempty"` // path of its report, where several were merged
	Host            string `json:"host,omitempty"`   // and its host
	PID             int    `json:"pid"`
	Device          int    `json:"device"`
	Launches        int    `json:"launches"`
	Steps           int    `json:"steps"`
	LaunchesPerStep int    `json:"launches_per_step"`
	Occurrences     int    `json:"occurrences,omitempty"`
	// Group numbers, from 1 in order of their first track, the groups of
	// tracks that launch different things, such as pipeline stages; 0 where
	// all launch alike.
	Group int `json:"group,omitempty"`
	// Pace is the median over the sites of the track's median time over the
	// median track's. 0 where there is nothing to compare it with.
	Pace float64 `json:"pace,omitempty"`
}

// A Neighbour is a launch that stands beside the occurrences.
type Neighbour struct {
	Name     string  `json:"name"`
	MedianNS float64 `json:"median_ns"`
	// Share is the part of the occurrences beside which it stands, 0 to 1.
	Share float64  `json:"share"`
	NVTX  []string `json:"nvtx,omitempty"`
}

// A Site is one position in the merged sequence of the mock's step and the
// E2E's occurrence.
type Site struct {
	Index int `json:"index"` // from 0, in the order of the merged sequence

	MockName string `json:"mock_name,omitempty"` // absent if missing
	E2EName  string `json:"e2e_name,omitempty"`  // absent if extra
	Family   string `json:"family"`
	// StepKind names the kind of steps that the site belongs to, where a
	// regression compares several; absent for the main kind.
	StepKind string `json:"step_kind,omitempty"`

	Verdict SiteVerdict `json:"verdict"`
	// Variant says that the names differ and the family is the same.
	Variant bool `json:"variant"`
	// Reason says why the verdict is not match, in a few words; "" for match.
	Reason string `json:"reason,omitempty"`

	// Ratio is mock over E2E of the medians, new over base in mode
	// regression; RatioLo and RatioHi bound its 95 % interval. All are
	// absent where one side is.
	Ratio   *float64 `json:"ratio,omitempty"`
	RatioLo *float64 `json:"ratio_lo,omitempty"`
	RatioHi *float64 `json:"ratio_hi,omitempty"`
	// P is the two-sided p-value of the rank test on the medians of the
	// steps, for sites that do not match. It qualifies the ratio and never
	// decides.
	P *float64 `json:"p,omitempty"`
	// Noise is the noise floor of the ratio: one nearer to 1 than this cannot
	// be told from 1. It comes from how much the halves of each run differ,
	// and how much the ratio does between sites that run the same kernel.
	// Mode regression only.
	Noise *float64 `json:"noise,omitempty"`
	// Places tells where the occurrences of the E2E differ by much among themselves,
	// place by place of a step, as layers of two kinds do.
	Places *Places `json:"places,omitempty"`
	// ScaledRatio is Ratio after the expected TP factor was divided out
	// (Options.ScaleTP).
	ScaledRatio *float64 `json:"scaled_ratio,omitempty"`

	Mock *Sample `json:"mock,omitempty"`
	E2E  *Sample `json:"e2e,omitempty"`

	// MockShare and E2EShare are the parts of the step's kernel time, or the
	// occurrence's on the E2E side, 0 to 1.
	MockShare float64 `json:"mock_share"`
	E2EShare  float64 `json:"e2e_share"`

	// MockOverlap and E2EOverlap are the parts of the launches' time in which
	// another kernel of the step ran too, 0 to 1.
	MockOverlap float64 `json:"mock_overlap,omitempty"`
	E2EOverlap  float64 `json:"e2e_overlap,omitempty"`

	MockLaunch *Geometry `json:"mock_launch,omitempty"`
	E2ELaunch  *Geometry `json:"e2e_launch,omitempty"`
	Module     string    `json:"module,omitempty"` // innermost NVTX range that tells the module
	NVTX       []string  `json:"nvtx,omitempty"`   // path of ranges, outermost first, digits normalised

	// Present is the part of the occurrences that have a partner for the
	// site, or of those that hold a missing launch: 0 to 1.
	Present float64 `json:"present"`

	Ranks *Spread `json:"ranks,omitempty"` // spread over the E2E's tracks, where there are several
	// Collective splits the E2E's time of a communication site that several
	// tracks launch alike.
	Collective *Collective `json:"collective,omitempty"`

	Launches []LaunchRef `json:"launches,omitempty"` // on request: Options.Launches
}

// A SiteVerdict is the answer for one site.
type SiteVerdict string

// The site verdicts, and the codes of the findings that follow from them.
const (
	Match         SiteVerdict = "match"
	Slower        SiteVerdict = "slower"  // the mock, or the new run, takes longer than allowed
	Faster        SiteVerdict = "faster"  // it takes less
	Missing       SiteVerdict = "missing" // in the E2E inside an occurrence, not in the mock
	Extra         SiteVerdict = "extra"   // in the mock without a partner
	Variant       SiteVerdict = "variant" // another name of the same family, time within bounds
	HeadMismatch  SiteVerdict = "head-mismatch"
	SiteUndecided SiteVerdict = "undecided"
	Communication SiteVerdict = "communication" // a collective, which waits for peers: shown, not judged
	Ignored       SiteVerdict = "ignored"       // Options.Ignore: not judged
	Accepted      SiteVerdict = "accepted"      // its difference is in Options.Accept: not judged
)

// A Sample summarises durations. The zero value stands for no launches.
type Sample struct {
	N        int     `json:"n"`
	TotalNS  int64   `json:"total_ns"`
	MedianNS float64 `json:"median_ns"`
	MeanNS   float64 `json:"mean_ns"`
	StddevNS float64 `json:"stddev_ns"` // with n-1; 0 for one launch
	MinNS    int64   `json:"min_ns"`
	MaxNS    int64   `json:"max_ns"`
	P5NS     float64 `json:"p5_ns"`
	P95NS    float64 `json:"p95_ns"`
	// LoNS and HiNS bound the order-statistic interval of the median, with
	// confidence of at least 95 %; both are 0 where the sample is too small
	// for one.
	LoNS float64 `json:"median_lo_ns"`
	HiNS float64 `json:"median_hi_ns"`
	// Steps holds the median duration of each step or block of steps in
	// time order, at most 64 of them: what trend and interval are told from.
	Steps []float64 `json:"steps_ns,omitempty"`
	// Values holds the durations in ascending order, at most 128 of them,
	// evenly spread by rank from the least to the greatest; of sites only, and
	// on request: Options.Plots.
	Values []int64 `json:"values_ns,omitempty"`
}

// Geometry is how a site's kernel was launched, where all launches agree.
type Geometry struct {
	Grid   [3]int32 `json:"grid"`
	Block  [3]int32 `json:"block"`
	SMem   int32    `json:"smem_bytes"`
	Regs   int32    `json:"registers"`
	Varies bool     `json:"varies,omitempty"` // launches differ; this is the most frequent
}

// A Spread is how the medians of several ranks differ.
type Spread struct {
	N        int     `json:"n"`
	MinNS    float64 `json:"min_ns"`
	MedianNS float64 `json:"median_ns"`
	MaxNS    float64 `json:"max_ns"`
	Slowest  string  `json:"slowest"` // "pid 1234 device 3"
}

// Places is how the medians of the places in a step differ where the mock occurs.
type Places struct {
	N      int     `json:"n"`
	Within int     `json:"within"` // of which the mock is within the bound
	MinNS  float64 `json:"min_ns"`
	MaxNS  float64 `json:"max_ns"`
}

// A Collective is where the time of a collective goes. The rank that comes last
// waits for nobody: what the fastest rank of a call takes is the transfer, what
// the others take longer is waiting.
type Collective struct {
	Calls      int     `json:"calls"`       // that all ranks were seen to make
	TransferNS float64 `json:"transfer_ns"` // median over calls of the least time of a rank
	WaitNS     float64 `json:"wait_ns"`     // median over calls and ranks of the time beyond it
	Last       string  `json:"last"`        // the rank that waits least
}

// A LaunchRef identifies one launch in its report.
type LaunchRef struct {
	Side  string `json:"side"` // "mock" or "e2e"
	PID   int    `json:"pid"`
	Start int64  `json:"start_ns"`
}

// A KernelRow is one line of the table by name (or family, or short name):
// what cuda_gpu_kern_sum of nsys shows, for both sides.
type KernelRow struct {
	Name   string   `json:"name"`
	Family string   `json:"family,omitempty"`
	Mock   *Sample  `json:"mock,omitempty"`
	E2E    *Sample  `json:"e2e,omitempty"`
	Ratio  *float64 `json:"ratio,omitempty"` // of the medians
	// MockShare and E2EShare are the parts of the side's kernel time in
	// scope, 0 to 1.
	MockShare float64 `json:"mock_share"`
	E2EShare  float64 `json:"e2e_share"`
}

// A Finding is something that the user should know, with a stable code.
type Finding struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Hint     string   `json:"hint,omitempty"`
	Sites    []int    `json:"sites,omitempty"` // Site.Index of the sites it is about
	Cause    string   `json:"cause,omitempty"` // code of the cause that explains it
}

// A Severity says how much a finding matters.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // a difference that makes the verdict misaligned
	SeverityWarning Severity = "warning" // may change the verdict
	SeverityInfo    Severity = "info"    // worth knowing
)

// Codes of findings. Those of sites equal their verdict, except that slower
// and faster share CodeLatency.
const (
	CodeMissing       = "missing"
	CodeExtra         = "extra"
	CodeLatency       = "latency"
	CodeHeadMismatch  = "head-mismatch"
	CodeVariant       = "variant"
	CodeUndecided     = "undecided"
	CodeShapes        = "shapes"
	CodeNotComparable = "not-comparable"
	CodeOpaqueGraphs  = "opaque-graphs"
	CodeSporadic      = "sporadic"      // a launch in only some steps or layers
	CodeCommunication = "communication" // collectives are shown, not judged
	CodeCapture       = "capture"       // the capture itself: warnings, lost data
	CodeUnattributed  = "unattributed"
	CodeStepTime      = "step-time"   // mode regression: the step as a whole is slower
	CodeStepKind      = "step-kind"   // mode regression: one run has steps that the other has not
	CodeRankGroups    = "rank-groups" // ranks launch different things
	CodeRanks         = "ranks"       // mode regression: the runs have other numbers of ranks
	CodeStraggler     = "straggler"   // one rank is slower than the others, on most sites or in all
	CodeEdge          = "edge"        // launches of the operation's NVTX range just outside the occurrences
	CodeOccurrences   = "occurrences" // places in each step that launch part of what the mock does
	CodeGraph         = "cuda-graph"  // one side replays graphs, the other launches eagerly
	CodeAccepted      = "accepted"    // a difference that Options.Accept accepts, with the reason
	CodeExpired       = "expired"     // an acceptance that no longer holds
	CodeExpected      = "expected"    // an expected kernel that is absent or out of its bounds; of Expect
)

// A Cause explains why sites differ.
type Cause struct {
	Code     string   `json:"code"`
	Factor   float64  `json:"factor,omitempty"`
	Message  string   `json:"message"` // in plain words
	Fix      string   `json:"fix,omitempty"`
	Evidence []string `json:"evidence"`
	Sites    []int    `json:"sites"`
}

// Codes of causes.
const (
	CauseHeadCount       = "head-count"
	CauseShape           = "shape" // batch size or sequence length
	CauseDtype           = "dtype"
	CauseModuleNotCalled = "module-not-called"
	CauseTiles           = "tile-variant"
	CauseClock           = "clock"      // another GPU or clock: everything scales alike
	CauseOverlap         = "overlap"    // one side runs sites beside other kernels
	CauseGraph           = "cuda-graph" // one side replays graphs, the other launches eagerly
)

// StepTimes is where the time of a step went, base against new.
type StepTimes struct {
	Kind         string  `json:"step_kind,omitempty"` // where there are several, as Site.StepKind
	BaseSteps    int     `json:"base_steps"`
	NewSteps     int     `json:"new_steps"`
	BaseStepNS   float64 `json:"base_step_ns"` // median time from the first launch's start to the last one's end
	NewStepNS    float64 `json:"new_step_ns"`
	BaseKernelNS float64 `json:"base_kernel_ns"` // median summed kernel time
	NewKernelNS  float64 `json:"new_kernel_ns"`
	BaseGapNS    float64 `json:"base_gap_ns"` // median time in which no kernel ran
	NewGapNS     float64 `json:"new_gap_ns"`
	Ratio        float64 `json:"ratio"` // new over base of the step time
	// Of the change in kernel time: launches added, removed, and kept with
	// another duration.
	AddedNS   float64 `json:"added_ns"`
	RemovedNS float64 `json:"removed_ns"`
	ChangedNS float64 `json:"changed_ns"`
}

// Limits are the thresholds that a result was judged by.
type Limits struct {
	MaxRatio   float64 `json:"max_ratio"`
	MinTimeNS  int64   `json:"min_time_ns"`
	MinSamples int     `json:"min_samples"`
	TP         int     `json:"tp,omitempty"`
	ScaleTP    bool    `json:"scale_tp,omitempty"`
}
