package summary

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/nsysdiff/nsysdiff/trace"
)

// A partJSON is the line of one report. Indices into its lists are those of
// trace.Trace; -1 stands for trace.None. Lists of one group are columns of
// equal length.
type partJSON struct {
	Digest  string      `json:"digest"` // see digest
	Capture captureJSON `json:"capture"`
	Source  text        `json:"source,omitempty"`  // see Origin
	Options text        `json:"options,omitempty"` // see Origin

	Launches int64    `json:"launches"` // in scope
	Streams  int      `json:"streams"`
	LeftOut  []text   `json:"left_out,omitempty"`
	Strings  []text   `json:"strings"`
	Tracks   tracks   `json:"tracks"`
	Lanes    lanes    `json:"lanes"`
	Configs  configs  `json:"configs"`
	Ranges   ranges   `json:"ranges"`
	Nodes    nodes    `json:"nodes"`
	Replays  replays  `json:"replays"`
	Patterns []launch `json:"patterns"`
	Blocks   blocks   `json:"blocks"`
	Ways     []way    `json:"ways"`
	Totals   totals   `json:"totals"`
	MemOps   memOps   `json:"memops"`
}

type captureJSON struct {
	Path          text             `json:"path"`
	Tool          text             `json:"tool,omitempty"`
	Schema        text             `json:"schema,omitempty"`
	Host          text             `json:"host,omitempty"`
	Driver        text             `json:"driver,omitempty"`
	Command       text             `json:"command,omitempty"`
	GraphMode     text             `json:"graph_mode,omitempty"`
	StartUTC      int64            `json:"start_utc_ns,omitempty"`
	Start         int64            `json:"start_ns,omitempty"`
	Stop          int64            `json:"stop_ns,omitempty"`
	GPUs          []gpuJSON        `json:"gpus,omitempty"`
	Processes     []processJSON    `json:"processes,omitempty"`
	Launches      int64            `json:"launches"`
	GraphLaunches int64            `json:"graph_launches,omitempty"`
	OpaqueGraphs  int64            `json:"opaque_graphs,omitempty"`
	OpaqueNS      int64            `json:"opaque_ns,omitempty"`
	HasNVTX       bool             `json:"has_nvtx,omitempty"`
	HasAPI        bool             `json:"has_api,omitempty"`
	Unattributed  int64            `json:"unattributed,omitempty"`
	Unresolved    int64            `json:"unresolved,omitempty"`
	Warnings      []text           `json:"warnings,omitempty"`
	Diagnostics   []diagnosticJSON `json:"diagnostics,omitempty"`
}

type gpuJSON struct {
	ID           int   `json:"id"`
	Name         text  `json:"name"`
	SMs          int   `json:"sms,omitempty"`
	Compute      text  `json:"compute,omitempty"`
	MemoryBytes  int64 `json:"memory_bytes,omitempty"`
	ClockRateKHz int64 `json:"clock_rate_khz,omitempty"`
}

type processJSON struct {
	GlobalPID uint64 `json:"global_pid"`
	PID       int    `json:"pid"`
	Name      text   `json:"name"`
}

type diagnosticJSON struct {
	Severity text `json:"severity"`
	Text     text `json:"text"`
}

// tracks are in order; the launches of each follow those of the one before.
type tracks struct {
	GlobalPID delta  `json:"global_pid"`
	PID       delta  `json:"pid"`
	Device    column `json:"device"`
	N         column `json:"n"`      // launches kept
	Before    column `json:"before"` // launches in scope
}

type lanes struct {
	GlobalPID delta `json:"global_pid"`
	PID       delta `json:"pid"`
	Device    delta `json:"device"`
	Context   delta `json:"context"`
	Stream    delta `json:"stream"`
}

// configs are distinct. The graph nodes that each is launched from stand in
// the patterns.
type configs struct {
	Name  delta `json:"name"`
	Short delta `json:"short"`
	Lane  delta `json:"lane"`
	geometry
	SMem delta `json:"smem"`
	Regs delta `json:"regs"`
}

type geometry struct {
	GridX  delta `json:"grid_x"`
	GridY  delta `json:"grid_y"`
	GridZ  delta `json:"grid_z"`
	BlockX delta `json:"block_x"`
	BlockY delta `json:"block_y"`
	BlockZ delta `json:"block_z"`
}

func (g *geometry) columns() []*delta {
	return []*delta{&g.GridX, &g.GridY, &g.GridZ, &g.BlockX, &g.BlockY, &g.BlockZ}
}

func (g *geometry) add(grid, block [3]int32) {
	for i, c := range g.columns() {
		v := block[i%3]
		if i < 3 {
			v = grid[i]
		}
		*c = append(*c, int64(v))
	}
}

func (g *geometry) at(i int) (grid, block [3]int32) {
	for k, c := range g.columns() {
		if k < 3 {
			grid[k] = int32((*c)[i])
		} else {
			block[k-3] = int32((*c)[i])
		}
	}
	return grid, block
}

type ranges struct {
	Start  delta `json:"start_ns"`
	End    delta `json:"end_ns"`
	Name   delta `json:"name"`
	Parent delta `json:"parent"`
	Thread delta `json:"thread"`
}

type nodes struct {
	ID    delta `json:"id"`
	Order delta `json:"order"`
	Range delta `json:"range"`
}

type replays struct {
	Correlation delta `json:"correlation"`
	Range       delta `json:"range"`
}

// A launch is what a run of launches is but for its times, as columns.
type launch struct {
	Config delta `json:"config"`
	Node   delta `json:"node"`
	Origin delta `json:"origin"`
}

// blocks are the launches, as runs that each follow a pattern.
type blocks struct {
	Pattern column `json:"pattern"`
	// Start is, by launch, the time since the end of the one before in the
	// block, and for the first of a block since the start of the block before.
	Start column `json:"start_ns"`
	// Duration is, by launch, what it took more than that in its place of the
	// last block of the same pattern.
	Duration column `json:"duration_ns"`
}

type way struct {
	By      text   `json:"by"`
	Further bool   `json:"further,omitempty"`
	First   delta  `json:"first"`
	N       delta  `json:"n"`
	Range   delta  `json:"range"`
	Index   delta  `json:"index"`
	Weight  column `json:"weight"`
	LeftOut []text `json:"left_out,omitempty"`
}

// distributions are as columns; those of the buckets have as many values for
// each distribution as Buckets says.
type distributions struct {
	Sum      column `json:"sum_ns"`
	Min      column `json:"min_ns"`
	Max      column `json:"max_ns"`
	SquareHi column `json:"square_hi"` // as signed integers
	SquareLo column `json:"square_lo"`
	Buckets  column `json:"buckets"`
	Bucket   delta  `json:"bucket"`
	N        column `json:"n"`
}

type totals struct {
	Name  delta `json:"name"`
	Short delta `json:"short"`
	geometry
	distributions
}

type memOps struct {
	Name delta `json:"name"`
	distributions
}

// digest returns the SHA-256 of the line with an empty digest and path and
// without its origin: a report has the same under whatever path and in whatever
// file, as .nsys-rep say, it is summarised.
func (p *partJSON) digest() (string, error) {
	q := *p
	q.Digest, q.Capture.Path, q.Source, q.Options = "", "", "", ""
	line, err := plainJSON(&q)
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:]), err
}

// newPart returns the part of a reduced trace of one report.
func newPart(t *trace.Trace, from Origin) (part, error) {
	e := encoder{t: t}
	p := e.part()
	p.Source, p.Options = text(from.Source), text(from.Options)
	var err error
	if p.Digest, err = p.digest(); err != nil {
		return part{}, fmt.Errorf("%s: %w", t.Capture.Path, err)
	}
	line, err := plainJSON(p)
	if err != nil {
		return part{}, fmt.Errorf("%s: %w", t.Capture.Path, err)
	}
	data, err := member(append(line, '\n'))
	if err != nil {
		return part{}, fmt.Errorf("%s: %w", t.Capture.Path, err)
	}
	return part{p.key(), data}, nil
}

func (p *partJSON) key() key {
	c := &p.Capture
	return key{Report{string(c.Path), string(c.Host), c.StartUTC, Origin{string(p.Source), string(p.Options)}}, p.Digest}
}

// trace returns the part as a reduced trace. The error is an *Error.
func (p *part) trace() (*trace.Trace, error) {
	var b bytes.Buffer
	b.Grow(4 * len(p.data))
	line, err := readMember(&b, bytes.NewReader(p.data), maxLine)
	if err != nil {
		return nil, damaged(err)
	}
	var j partJSON
	if err := json.Unmarshal(line, &j); err != nil {
		return nil, damaged(err)
	}
	t, err := decode(&j)
	if err != nil {
		return nil, damaged(err)
	}
	return t, nil
}
