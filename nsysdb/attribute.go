package nsysdb

import (
	"context"
	"math"
	"sort"
	"sync/atomic"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/trace"
)

// An attributor finds the API call that issued each launch, and the NVTX range
// that was innermost on the calling thread when the call began.
//
// A call belongs to a launch if it has the launch's correlation id and was
// made by its process; correlation ids repeat across processes. Launches are
// in issue order, so a call finds its launches by binary search, mostly right
// after those of the call before it.
//
// Launches.Origin holds correlation ids and must keep them until all calls
// have been seen, so what is found for a launch that no graph replayed waits
// in Launches.Node, which such a launch does not use, and what is found for a
// graph launch in Replays.
type attributor struct {
	t        *trace.Trace
	lines    map[uint64]*timeline
	tracks   map[uint64][]int // of each process
	replays  []replayTrack    // of each track
	replayed bitset           // launches that a graph replayed
}

// replayTrack is the graph launches of a track, in order of correlation id.
type replayTrack struct{ first, n int }

// noRange says that a call was found, and no range was open. It is below None,
// which says that no call was found, and above every range, so that of two
// calls with one correlation id the outermost range wins in any order.
const noRange = math.MaxUint32 - 1

// prepare numbers the graph launches: after it, t.Replays is complete but for
// ranges.
func (a *attributor) prepare() {
	t := a.t
	l := &t.Launches
	a.replayed = newBitset(l.Len())
	a.tracks = map[uint64][]int{}
	a.replays = make([]replayTrack, len(t.Tracks))
	for k, track := range t.Tracks {
		a.tracks[track.GlobalPID] = append(a.tracks[track.GlobalPID], k)
		rt := replayTrack{first: len(t.Replays)}
		for i := track.First; i < track.First+track.N; i++ {
			if l.Node[i] == trace.None {
				continue
			}
			a.replayed.set(i)
			if n := len(t.Replays); n == rt.first || t.Replays[n-1].Correlation != l.Origin[i] {
				t.Replays = append(t.Replays, trace.Replay{Correlation: l.Origin[i], Range: trace.None})
			}
		}
		rt.n = len(t.Replays) - rt.first
		a.replays[k] = rt
	}
}

// attribute reads the API calls.
func (a *attributor) attribute(ctx context.Context, db *DB) error {
	for _, name := range db.layout.calls {
		cols := db.layout.columns(name)
		start, tid, corr := cols.need("start"), cols.need("globalTid"), cols.need("correlationId")
		// To see a call twice changes nothing.
		err := db.src.ints(ctx, name, cols.names, db.numWorkers(), func() {}, func(b table.Batch) error {
			a.calls(b.Columns[start][:b.N], b.Columns[tid][:b.N], b.Columns[corr][:b.N])
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// calls finds the launches of some API calls.
func (a *attributor) calls(start, tid, corr []int64) {
	var (
		any    bool
		thread uint64
		line   *timeline
		tracks []int
	)
	cursor := make([]int, len(a.t.Tracks)) // in each track, where the last launch was found
	for i := range start {
		if tid[i] == null || corr[i] < 0 || corr[i] >= noCorrelation {
			continue
		}
		if th := uint64(tid[i]); th != thread || !any {
			any, thread, line, tracks = true, th, a.lines[th], a.tracks[processOf(th)]
		}
		found := uint32(trace.None)
		for _, track := range tracks {
			at, ok := a.search(track, cursor[track], uint32(corr[i]))
			cursor[track] = at
			if !ok {
				continue
			}
			if found == trace.None {
				if found = line.find(start[i]); found == trace.None {
					found = noRange
				}
			}
			a.assign(track, at, uint32(corr[i]), found)
		}
	}
}

// search returns the first launch of a track with the correlation id, or
// where it would be. hint is where another was found.
func (a *attributor) search(track, hint int, corr uint32) (at int, ok bool) {
	tr := a.t.Tracks[track]
	origin := a.t.Launches.Origin[tr.First : tr.First+tr.N]
	lo, hi := 0, len(origin)
	if h := hint - tr.First; h >= 0 && h < hi && origin[h] < corr {
		// Ahead of the hint: double the distance until it is passed.
		lo = h + 1
		for step := 1; lo+step < hi; step *= 2 {
			if origin[lo+step] >= corr {
				hi = lo + step + 1
				break
			}
		}
	}
	i := lo + sort.Search(hi-lo, func(i int) bool { return origin[lo+i] >= corr })
	return tr.First + i, i < len(origin) && origin[i] == corr
}

func (a *attributor) assign(track, at int, corr, found uint32) {
	tr := a.t.Tracks[track]
	l := &a.t.Launches
	replayed := false
	for i := at; i < tr.First+tr.N && l.Origin[i] == corr; i++ {
		if a.replayed.has(i) {
			replayed = true
			continue
		}
		atomicMin(&l.Node[i], found)
	}
	if !replayed {
		return
	}
	rt := a.replays[track]
	replays := a.t.Replays[rt.first : rt.first+rt.n]
	if k := sort.Search(len(replays), func(k int) bool { return replays[k].Correlation >= corr }); k < len(replays) && replays[k].Correlation == corr {
		atomicMin(&replays[k].Range, found)
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

// finish puts Origin and Node into their final state and returns how many
// launches could not be attributed: those without an API call, and those
// whose graph node is not known, per nodeKnown. Without ranges it only
// restores the columns.
func (a *attributor) finish(attributed bool, nodeKnown []bool) (unattributed int64) {
	t := a.t
	l := &t.Launches
	for k, track := range t.Tracks {
		replay := a.replays[k].first - 1
		last, begun := uint32(0), false
		for i := track.First; i < track.First+track.N; i++ {
			if !a.replayed.has(i) {
				found := l.Node[i]
				if found == trace.None {
					unattributed++
				}
				if found == noRange {
					found = trace.None
				}
				l.Node[i], l.Origin[i] = trace.None, found
				continue
			}
			if !begun || l.Origin[i] != last {
				replay++
				last, begun = l.Origin[i], true
			}
			l.Origin[i] = uint32(replay)
			if t.Replays[replay].Range == trace.None || !nodeKnown[l.Node[i]] {
				unattributed++
			}
		}
	}
	for i := range t.Replays {
		if t.Replays[i].Range == noRange {
			t.Replays[i].Range = trace.None
		}
	}
	if !attributed {
		return 0
	}
	return unattributed
}

// A bitset is a set of small integers.
type bitset []uint64

func newBitset(n int) bitset    { return make(bitset, (n+63)/64) }
func (b bitset) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }
