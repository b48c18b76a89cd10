package nsysdb

import (
	"context"
	"math"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/nsysdiff/nsysdiff/internal/fan"
	"github.com/nsysdiff/nsysdiff/internal/hugepages"
	"github.com/nsysdiff/nsysdiff/internal/intern"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/trace"
)

// An attributor finds the API call that issued each launch, and the NVTX range
// that was innermost on the calling thread when the call began.
//
// A call belongs to a launch if it has the launch's correlation id and was
// made by its process; correlation ids repeat across processes. Launches are
// in issue order and calls nearly so, so the launches of a call are mostly the
// next ones after those of the call before it.
//
// Launches.Origin holds correlation ids and must keep them until all calls
// have been seen, so what is found for a launch that no graph replayed waits
// in found, and what is found for a graph launch in Replays.
type attributor struct {
	t       *trace.Trace
	lines   map[uint64]*timeline
	workers int
	chunks  []chunk
	tracks  []trackCalls
	found   []uint32 // by launch; nil where calls are not looked at
	nodes   []uint32 // by configuration: its Node, close to those of others

	mu      sync.Mutex
	threads intern.Table[threadKey]
	facts   []threadFacts // by number in threads
}

// A chunk is some launches of one track, for one goroutine at a time.
type chunk struct {
	track    int
	from, to int
	before   uint32 // correlation id of the launch before, if there is one in the track
	alone    int    // see trackCalls.alone
	replay   int    // index of the first graph launch that begins here
	replays  int    // how many do
}

// trackCalls is the calls of a track.
type trackCalls struct {
	first       int
	correlation []uint32 // of the launches
	replays     []trace.Replay
}

// threadKey is a globalTid.
type threadKey uint64

func (k threadKey) Hash() uint64 { return intern.Mix(0, uint64(k)) }

// threadFacts is what counts in a thread.
type threadFacts struct {
	line   *timeline
	tracks []int // of its process
}

// What is found is the index of a range, noRange if a call was found and no
// range was open, or trace.None if no call was found. So of two calls with one
// correlation id the outermost range wins in any order.
const noRange = math.MaxUint32 - 1

// chunkRows is the number of launches in a chunk.
const chunkRows = 1 << 16

// prepare numbers the graph launches: after it, t.Replays is complete but for
// ranges.
func (a *attributor) prepare() {
	t := a.t
	l := &t.Launches
	a.nodes = make([]uint32, len(t.Configs))
	for i := range t.Configs {
		a.nodes[i] = t.Configs[i].Node
	}
	for k, track := range t.Tracks {
		end := track.First + track.N
		alone := a.alone(track.First, end)
		for from := track.First; from < end; from += chunkRows {
			c := chunk{track: k, from: from, to: min(from+chunkRows, end), alone: alone}
			if from > track.First {
				c.before = l.Origin[from-1]
			}
			a.chunks = append(a.chunks, c)
		}
	}
	if len(t.Nodes) > 0 {
		parallel(a.workers, len(a.chunks), func(k int) {
			c := &a.chunks[k]
			a.eachReplay(c, func(int) { c.replays++ })
		})
		n := 0
		for k := range a.chunks {
			c := &a.chunks[k]
			c.replay = n
			n += c.replays
		}
		t.Replays = make([]trace.Replay, n)
		parallel(a.workers, len(a.chunks), func(k int) {
			c := &a.chunks[k]
			next := c.replay
			a.eachReplay(c, func(i int) {
				t.Replays[next] = trace.Replay{Correlation: l.Origin[i], Range: trace.None}
				next++
			})
		})
	}
	a.tracks = make([]trackCalls, len(t.Tracks))
	for k, track := range t.Tracks {
		a.tracks[k] = trackCalls{first: track.First, correlation: l.Origin[track.First : track.First+track.N]}
	}
	for _, c := range a.chunks {
		tr := &a.tracks[c.track]
		if tr.replays == nil {
			tr.replays = t.Replays[c.replay:c.replay]
		}
		tr.replays = tr.replays[:len(tr.replays)+c.replays]
	}
}

// alone returns the first replayed launch from first to end-1 of those without
// a correlation id, which count as one graph launch; end if there is none.
func (a *attributor) alone(first, end int) int {
	l := &a.t.Launches
	if len(a.t.Nodes) == 0 {
		return end
	}
	i := first + sort.Search(end-first, func(i int) bool { return l.Origin[first+i] == noCorrelation })
	for i < end && !a.replayed(i) {
		i++
	}
	return i
}

// node does what trace.Trace.LaunchNode does.
func (a *attributor) node(i int) uint32 { return a.nodes[a.t.Launches.Config[i]] }

// replayed reports whether a graph replayed launch i.
func (a *attributor) replayed(i int) bool { return a.node(i) != trace.None }

// eachReplay calls fn with the first launch of each graph launch that begins in a
// chunk.
func (a *attributor) eachReplay(c *chunk, fn func(i int)) {
	l := &a.t.Launches
	before, first := c.before, c.from == a.t.Tracks[c.track].First
	for i, correlation := range l.Origin[c.from:c.to] {
		if i += c.from; c.begins(i, correlation, before, first) && a.replayed(i) {
			fn(i)
		}
		before, first = correlation, false
	}
}

// begins reports whether launch i, if a graph replayed it, is the first of its
// graph launch, by its correlation id and that of the launch before. first says
// that there is none before it in the track.
func (c *chunk) begins(i int, correlation, before uint32, first bool) bool {
	if correlation == noCorrelation {
		return i == c.alone
	}
	return first || correlation != before // of the launches of one call the replayed ones come first
}

// attribute reads the API calls.
func (a *attributor) attribute(ctx context.Context, db *DB, progress *progress) error {
	a.found = hugepages.Make[uint32](a.t.Launches.Len())
	parallel(a.workers, len(a.chunks), func(k int) { fill(a.found[a.chunks[k].from:a.chunks[k].to], trace.None) })
	processes := map[uint64][]int{}
	for k, track := range a.t.Tracks {
		processes[track.GlobalPID] = append(processes[track.GlobalPID], k)
	}
	for _, name := range db.layout.calls {
		cols, keys := db.layout.columns(name), db.layout.columns(name)
		start, corr := cols.need("start"), cols.need("correlationId")
		keys.need("globalTid")
		workers := make([]*callWorker, a.workers)
		for i := range workers {
			workers[i] = newCallWorker(a)
		}
		opts := table.IntsOptions{Workers: a.workers, Keys: keys.names, Key: func(worker int, row []table.Value) (uint32, error) {
			thread, err := whole(row[0], name, "globalTid")
			if err != nil {
				return 0, err
			}
			key := threadKey(zero(thread))
			a.mu.Lock()
			id, isNew := a.threads.ID(&key)
			if isNew {
				f := threadFacts{line: a.lines[uint64(key)]}
				if thread != null {
					f.tracks = processes[processOf(uint64(key))]
				}
				a.facts = append(a.facts, f)
			}
			f := a.facts[id]
			a.mu.Unlock()
			workers[worker].learn(id, f)
			return id, nil
		}}
		count := progress.table()
		// To see a call twice changes nothing but the progress.
		err := db.src.ints(ctx, name, cols.names, opts, count.reset, func(b table.Batch) error {
			count.add(b.N)
			workers[b.Worker].calls(b.Columns[start], b.Columns[corr], b.Keys)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// A callWorker looks at API calls in one goroutine.
type callWorker struct {
	*attributor
	threads []callThread // by number, of those that it met
	hints   []int        // in each track, where the last call was looked for
}

func newCallWorker(a *attributor) *callWorker {
	n := len(a.tracks)
	return &callWorker{
		attributor: a,
		threads:    make([]callThread, 0, fan.ApartBytes/16),
		hints:      make([]int, n, n+fan.ApartBytes/8),
	}
}

// callThread is a thread and the time that its last call began.
type callThread struct {
	threadFacts
	now timeCursor
}

func (w *callWorker) learn(id uint32, f threadFacts) {
	for int(id) >= len(w.threads) {
		w.threads = append(w.threads, callThread{})
	}
	if t := &w.threads[id]; t.tracks == nil {
		*t = callThread{threadFacts: f, now: timeCursor{timeline: f.line}}
	}
}

// calls finds the launches of some API calls.
func (w *callWorker) calls(start, corr []int64, threads []uint32) {
	for i, c := range corr {
		if uint64(c) >= noCorrelation {
			continue
		}
		th := &w.threads[threads[i]]
		found := uint32(trace.None)
		for _, track := range th.tracks {
			at, ok := w.search(track, uint32(c))
			if !ok {
				continue
			}
			if found == trace.None {
				found = noRange
				if th.line != nil {
					if r := th.now.find(start[i]); r != trace.None {
						found = r
					}
				}
			}
			w.assign(track, at, uint32(c), found)
		}
	}
}

// search returns the first launch of a track with the correlation id, counted
// from the track's first launch.
func (w *callWorker) search(track int, c uint32) (at int, ok bool) {
	all := w.tracks[track].correlation
	at = w.hints[track]
	if at < len(all) && all[at] < c {
		at++
	}
	if at == len(all) || all[at] < c || at > 0 && all[at-1] >= c {
		at = gallop(all, at, c)
		w.hints[track] = at
		return at, at < len(all) && all[at] == c
	}
	w.hints[track] = at
	return at, all[at] == c
}

// gallop returns the first index whose value is at least x, by steps that
// double until they are past it if it is beyond at.
func gallop(all []uint32, at int, x uint32) int {
	lo, hi := 0, len(all)
	if at < hi && all[at] < x {
		lo = at + 1
		for step := 1; lo+step < hi; step *= 2 {
			if all[lo+step] >= x {
				hi = lo + step + 1
				break
			}
			lo += step
		}
	}
	return lo + sort.Search(hi-lo, func(i int) bool { return all[lo+i] >= x })
}

func (w *callWorker) assign(track, at int, c, found uint32) {
	tr := &w.tracks[track]
	replayed := false
	for i := at; i < len(tr.correlation) && tr.correlation[i] == c; i++ {
		if w.replayed(tr.first + i) {
			replayed = true
		} else {
			atomicMin(&w.found[tr.first+i], found)
		}
	}
	if !replayed {
		return
	}
	k := sort.Search(len(tr.replays), func(k int) bool { return tr.replays[k].Correlation >= c })
	if k < len(tr.replays) && tr.replays[k].Correlation == c {
		atomicMin(&tr.replays[k].Range, found)
	}
}

func atomicMin(p *uint32, x uint32) {
	for {
		old := atomic.LoadUint32(p)
		if old <= x || atomic.CompareAndSwapUint32(p, old, x) {
			return
		}
	}
}

// finish puts Origin into its final state and returns how many launches could
// not be attributed: those without an API call, and those whose graph node is not
// known, per nodeKnown; 0 where calls were not looked at.
func (a *attributor) finish(nodeKnown []bool) (unattributed int64) {
	t := a.t
	l := &t.Launches
	var lost atomic.Int64
	parallel(a.workers, len(a.chunks), func(k int) {
		c := &a.chunks[k]
		if len(t.Nodes) == 0 && a.found == nil {
			fill(l.Origin[c.from:c.to], trace.None)
			return
		}
		lost.Add(a.finishChunk(c, nodeKnown))
	})
	for i := range t.Replays {
		if t.Replays[i].Range == noRange {
			t.Replays[i].Range = trace.None
		}
	}
	if a.found == nil {
		return 0
	}
	return lost.Load()
}

// finishChunk does what finish does for the launches of a chunk.
func (a *attributor) finishChunk(c *chunk, nodeKnown []bool) (lost int64) {
	t := a.t
	origin := t.Launches.Origin
	replay := c.replay - 1
	before, first := c.before, c.from == t.Tracks[c.track].First
	for i := c.from; i < c.to; i++ {
		correlation := origin[i]
		if node := a.node(i); node != trace.None {
			if c.begins(i, correlation, before, first) {
				replay++
			}
			origin[i] = uint32(replay)
			if t.Replays[replay].Range == trace.None || !nodeKnown[node] {
				lost++
			}
		} else {
			origin[i] = trace.None
			if a.found == nil || a.found[i] == trace.None {
				lost++
			} else if a.found[i] != noRange {
				origin[i] = a.found[i]
			}
		}
		before, first = correlation, false
	}
	return lost
}

// parallel calls fn with 0 to n-1, from so many goroutines.
func parallel(workers, n int, fn func(i int)) {
	fan.Out(context.Background(), workers, n, fn)
}
