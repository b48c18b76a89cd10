package trace

import (
	"maps"
	"math"
	"sync"

	"github.com/nsysdiff/nsysdiff/internal/hugepages"
)

// Launches holds launches as columns of equal length, 20 bytes a launch.
type Launches struct {
	Start  []int64
	Config []uint32 // index into Trace.Configs
	// Origin says where a launch was issued from: for a replayed launch an
	// index into Trace.Replays, for any other the innermost NVTX range that
	// was open on the calling thread, an index into Trace.Ranges, or None.
	Origin []uint32

	duration []uint32 // math.MaxUint32 stands for a duration in long
	long     *longDurations
}

// longDurations keeps the few durations of 2^32-1 ns (4.29 s) and more by the
// index of their launch.
type longDurations struct {
	mu sync.Mutex
	ns map[int]int64
}

// Len returns the number of launches.
func (l *Launches) Len() int { return len(l.Start) }

// Duration returns how long launch i ran, in nanoseconds.
func (l *Launches) Duration(i int) int64 {
	if d := l.duration[i]; d != math.MaxUint32 {
		return int64(d)
	}
	return l.longDuration(i) // apart, so that Duration is inlined
}

func (l *Launches) longDuration(i int) int64 {
	l.long.mu.Lock()
	defer l.long.mu.Unlock()
	return l.long.ns[i]
}

// Durations returns the durations of all launches, in nanoseconds. ok is false
// where one of them does not fit, 2^32-1 ns (4.29 s) or more: [Launches.Duration]
// has it.
func (l *Launches) Durations() (ns []uint32, ok bool) {
	if l.long == nil {
		return nil, true
	}
	l.long.mu.Lock()
	defer l.long.mu.Unlock()
	return l.duration, len(l.long.ns) == 0
}

// End returns when launch i ended.
func (l *Launches) End(i int) int64 { return l.Start[i] + l.Duration(i) }

// Resize sets the number of launches to n, keeping those below n. New ones
// are zero.
func (l *Launches) Resize(n int) {
	l.Start = resize(l.Start, n)
	l.Config = resize(l.Config, n)
	l.Origin = resize(l.Origin, n)
	l.duration = resize(l.duration, n)
	if l.long == nil {
		l.long = &longDurations{ns: map[int]int64{}}
	}
	for i := range l.long.ns {
		if i >= n {
			delete(l.long.ns, i)
		}
	}
}

func resize[T any](s []T, n int) []T {
	if n <= cap(s) {
		m := len(s)
		s = s[:n]
		if m < n {
			clear(s[m:])
		}
		return s
	}
	t := hugepages.Make[T](n)
	copy(t, s)
	return t
}

// Set fills in launch i. A duration below 0 counts as 0. Calls for different
// i may run concurrently.
func (l *Launches) Set(i int, start, duration int64, config, origin uint32) {
	l.Start[i] = start
	l.Config[i] = config
	l.Origin[i] = origin
	l.setDuration(i, duration)
}

// SetTimes fills in start and duration of launches first, first+1, and so on;
// one that ends before it starts takes 0. The other columns can be filled in as
// they are. Calls for different launches may run concurrently.
func (l *Launches) SetTimes(first int, start, end []int64) {
	starts, durations := l.Start[first:first+len(start)], l.duration[first:first+len(start)]
	end = end[:len(start)]
	for i, t := range start {
		starts[i] = t
		if d := max(end[i], t) - t; uint64(d) < math.MaxUint32 {
			durations[i] = uint32(d)
		} else {
			l.setDuration(first+i, d)
		}
	}
}

func (l *Launches) setDuration(i int, d int64) {
	d = max(d, 0)
	if d < math.MaxUint32 {
		l.duration[i] = uint32(d)
		return
	}
	l.duration[i] = math.MaxUint32
	l.long.mu.Lock()
	l.long.ns[i] = d
	l.long.mu.Unlock()
}

// Append adds a launch. A duration below 0 counts as 0.
func (l *Launches) Append(start, duration int64, config, origin uint32) {
	if l.long == nil {
		l.long = &longDurations{ns: map[int]int64{}}
	}
	i := len(l.Start)
	l.Start = append(l.Start, start)
	l.Config = append(l.Config, config)
	l.Origin = append(l.Origin, origin)
	l.duration = append(l.duration, 0)
	l.setDuration(i, duration)
}

// Compact drops, in place, the launches that keep refuses, and returns how
// many are left.
func (l *Launches) Compact(keep func(i int) bool) int {
	n := 0
	for i := range l.Start {
		if !keep(i) {
			continue
		}
		if n != i {
			l.move(n, i)
		}
		n++
	}
	l.Resize(n)
	return n
}

func (l *Launches) move(to, from int) {
	l.Start[to] = l.Start[from]
	l.Config[to] = l.Config[from]
	l.Origin[to] = l.Origin[from]
	if l.duration[from] == math.MaxUint32 {
		l.setDuration(to, l.Duration(from))
	} else {
		l.duration[to] = l.duration[from]
	}
}

// A Move says that N launches move from index From to index To.
type Move struct{ To, From, N int }

// Move carries out moves one after the other, each as copy would. Launches
// that moved stay where they were too, until others take their place.
func (l *Launches) Move(moves []Move) {
	var wg sync.WaitGroup
	wg.Go(func() { moveColumn(l.Start, moves) })
	wg.Go(func() { moveColumn(l.Config, moves) })
	wg.Go(func() { moveColumn(l.Origin, moves) })
	wg.Go(func() { moveColumn(l.duration, moves) })
	wg.Wait()
	if l.long == nil || len(l.long.ns) == 0 {
		return
	}
	for _, m := range moves {
		moved := map[int]int64{}
		for i := range m.N {
			if d, ok := l.long.ns[m.From+i]; ok {
				moved[m.To+i] = d
			}
		}
		for i := range m.N {
			delete(l.long.ns, m.To+i)
		}
		maps.Copy(l.long.ns, moved)
	}
}

func moveColumn[T any](column []T, moves []Move) {
	for _, m := range moves {
		copy(column[m.To:m.To+m.N], column[m.From:m.From+m.N])
	}
}

// Permute reorders the launches from index first on, in place, so that launch
// first+i becomes the one that was at first+order[i]. It uses order as scratch
// space: its contents are destroyed. Calls for different launches may run
// concurrently.
func (l *Launches) Permute(first int, order []uint32) {
	l.permuteLong(first, order)
	starts, durations := l.Start[first:], l.duration[first:]
	configs, origins := l.Config[first:], l.Origin[first:]
	// Follow each cycle of the permutation once, marking visited places by
	// making them fixed points.
	for i := range order {
		if int(order[i]) == i {
			continue
		}
		start, dur, config, origin := starts[i], durations[i], configs[i], origins[i]
		j := i
		for {
			k := int(order[j])
			order[j] = uint32(j)
			if k == i {
				break
			}
			starts[j], durations[j], configs[j], origins[j] = starts[k], durations[k], configs[k], origins[k]
			j = k
		}
		starts[j], durations[j], configs[j], origins[j] = start, dur, config, origin
	}
}

func (l *Launches) permuteLong(first int, order []uint32) {
	if l.long == nil {
		return
	}
	l.long.mu.Lock()
	defer l.long.mu.Unlock()
	if len(l.long.ns) == 0 {
		return
	}
	moved := map[int]int64{}
	for to, from := range order {
		if d, ok := l.long.ns[first+int(from)]; ok {
			moved[first+to] = d
		}
	}
	for i := range order {
		delete(l.long.ns, first+i)
	}
	maps.Copy(l.long.ns, moved)
}
