package align

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/nsysdiff/nsysdiff/trace"
)

// several reports whether the view has more than one track.
func (v *view) several() bool {
	// Steps are in order of track.
	return len(v.steps) > 0 && v.steps[0].step.track != v.steps[len(v.steps)-1].step.track
}

// rankName names a track. Ids repeat between the hosts of several reports.
func (v *view) rankName(track int) string { return rankName(v.seq.t, track) }

func rankName(t *trace.Trace, track int) string {
	tr := t.Tracks[track]
	name := fmt.Sprintf("pid %d device %d", tr.PID, tr.Device)
	if len(t.Reports) > 1 {
		r := &t.Reports[tr.Report]
		if r.Host != "" {
			name += " of host " + r.Host
		}
		name += " (" + r.Path + ")"
	}
	return name
}

// trackMedians returns the median of a column by track, ascending; nil if
// there is only one track.
func (v *view) trackMedians(column int) (tracks []int, medians []float64) {
	if !v.several() {
		return nil, nil
	}
	var durations []int64
	flush := func() {
		if len(durations) > 0 {
			medians = append(medians, median(durations))
			durations = durations[:0]
		}
	}
	v.each(column, func(step, i int) {
		if k := v.steps[step].step.track; len(tracks) == 0 || tracks[len(tracks)-1] != k {
			flush()
			tracks = append(tracks, k)
		}
		durations = append(durations, v.seq.t.Launches.Duration(i))
	})
	flush()
	return tracks, medians
}

// spread measures how the medians of tracks differ; nil if there are fewer than
// two.
func (v *view) spread(tracks []int, medians []float64) *Spread {
	if len(tracks) < 2 {
		return nil
	}
	slowest := 0
	for k := range medians {
		if medians[k] > medians[slowest] {
			slowest = k
		}
	}
	s := &Spread{
		N:       len(tracks),
		MinNS:   slices.Min(medians),
		MaxNS:   medians[slowest],
		Slowest: v.rankName(tracks[slowest]),
	}
	s.MedianNS = median(slices.Clone(medians))
	return s
}

// collective splits the time of a column of collectives into transfer and
// waiting. Ranks make the same calls in the same order: the calls of each are
// counted off, call k of one being call k of all. It returns nil unless all
// ranks make equally many.
func (v *view) collective(column int) *Collective {
	if !v.several() {
		return nil
	}
	var tracks []int
	var calls [][]int64 // by rank
	v.each(column, func(step, i int) {
		if k := v.steps[step].step.track; len(tracks) == 0 || tracks[len(tracks)-1] != k {
			tracks = append(tracks, k)
			calls = append(calls, nil)
		}
		last := len(calls) - 1
		calls[last] = append(calls[last], v.seq.t.Launches.Duration(i))
	})
	if len(calls) < 2 {
		return nil
	}
	n := len(calls[0])
	for _, c := range calls {
		if len(c) != n {
			return nil
		}
	}
	var transfers, waits []int64
	waited := make([]int64, len(calls))
	for k := range n {
		least := calls[0][k]
		for _, c := range calls[1:] {
			least = min(least, c[k])
		}
		transfers = append(transfers, least)
		for r, c := range calls {
			waits = append(waits, c[k]-least)
			waited[r] += c[k] - least
		}
	}
	last := 0
	for r := range waited {
		if waited[r] < waited[last] {
			last = r
		}
	}
	return &Collective{Calls: n, TransferNS: median(transfers), WaitNS: median(waits), Last: v.rankName(tracks[last])}
}

const (
	stragglerPace  = 1.1 // of the median rank, on most sites or in all, from which on a rank is a straggler
	stragglerSites = 0.6 // part of the sites on which it must be slower
	minRankSites   = 3   // sites to tell a pace from
	newStraggler   = 1.1 // of the pace of the base's slowest, from which on a straggler is news
)

// A straggler is a track that is slower than the median one: on most sites or, if
// it is not, in all.
type straggler struct {
	name   string
	pace   float64 // on the site in the middle, or in all
	slower int     // sites on which it is, 0 if it is in all only
	of     int
	most   cell // of a straggler in all, the site that costs it most
	at     int  // and its place in most.tracks
}

// A rankTotal is the time of the sites that a track has, and what it costs beyond the
// median rank's time.
type rankTotal struct {
	own, others float64
	cost        float64 // of most
	most        cell
	at          int
}

func (t *rankTotal) add(c cell, k int) {
	own, others := c.medians[k], c.ranks.MedianNS
	t.own += own
	t.others += others
	if own-others > t.cost {
		t.cost, t.most, t.at = own-others, c, k
	}
}

// rankPaces fills in how fast the ranks of both sides are, and reports stragglers. The
// time of a collective does not tell: it is the others' doing.
func (c *comparer) rankPaces(r *Result, origins []origin, mock, e2e measured) {
	if !mock.several() && !e2e.several() {
		return
	}
	tells := func(m measured, k *cell) bool {
		return k.ranks != nil && c.alphabet.facts(m.symbol(k)).kind != KindCommunication
	}
	var base, next []cell
	for _, o := range origins {
		if m := &mock.cells[o.column]; o.mock && c.o.Regression && tells(mock, m) {
			base = append(base, *m)
		}
		if e := &e2e.cells[o.column]; o.e2e && tells(e2e, e) {
			next = append(next, *e)
		}
	}
	c.stragglers(r, mock.paces(r.Mock.Tracks, base), e2e.paces(r.E2E.Tracks, next))
}

// paces fills in how fast each track of a side is and returns the stragglers.
// cells are those of sites that are not communication, whose time is the
// others' doing.
func (v *view) paces(tracks []Track, cells []cell) []straggler {
	if !v.several() || len(cells) < minRankSites {
		return nil
	}
	ratios := map[int][]float64{}
	totals := make([]rankTotal, len(tracks))
	for _, cell := range cells {
		if cell.ranks == nil {
			continue
		}
		for k, t := range cell.tracks {
			ratios[t] = append(ratios[t], ratioOf(cell.medians[k], cell.ranks.MedianNS))
			totals[t].add(cell, k)
		}
	}
	var out []straggler
	for t := range tracks {
		rs := ratios[t]
		if len(rs) < minRankSites {
			continue
		}
		slower := 0
		for _, x := range rs {
			if x >= stragglerPace {
				slower++
			}
		}
		n := len(rs)
		pace := median(rs)
		tracks[t].Pace = pace
		all := &totals[t]
		switch {
		case pace >= stragglerPace && float64(slower) >= stragglerSites*float64(n):
			out = append(out, straggler{name: v.rankName(t), pace: pace, slower: slower, of: n})
		case all.own >= stragglerPace*all.others:
			out = append(out, straggler{name: v.rankName(t), pace: ratioOf(all.own, all.others), of: n, most: all.most, at: all.at})
		}
	}
	return out
}

// stragglers reports the stragglers of the E2E. What the base has too is no
// news.
func (c *comparer) stragglers(r *Result, base, next []straggler) {
	for _, s := range next {
		f := Finding{
			Code: CodeStraggler, Severity: SeverityWarning,
			Hint: "look for a lower clock, another process on that GPU, or an uneven share of the work",
		}
		if s.slower > 0 {
			f.Message = fmt.Sprintf("%s is slower than the median rank on %d of %s, by %.3g in the middle", s.name, s.slower, count(s.of, "site"), s.pace)
		} else {
			f.Message = fmt.Sprintf("%s takes %.3g times as long as the median rank for %s together, most of it for %s, %s against %s",
				s.name, s.pace, count(s.of, "site"), c.short(c.e2e.t.Name(s.most.first)), duration(s.most.medians[s.at]), duration(s.most.ranks.MedianNS))
		}
		alike := slices.DeleteFunc(slices.Clone(base), func(b straggler) bool { return (b.slower > 0) != (s.slower > 0) })
		if len(alike) > 0 {
			slowest := slices.MaxFunc(alike, func(a, b straggler) int { return cmp.Compare(a.pace, b.pace) })
			f.Message += fmt.Sprintf("; in the base %s is, by %.3g", slowest.name, slowest.pace)
			if s.pace < slowest.pace*newStraggler {
				f.Severity = SeverityInfo
			}
		}
		r.Findings = append(r.Findings, f)
	}
}

// alikeRanks returns how many tracks of the E2E were compared: ranks that
// launch alike.
func alikeRanks(r *Result) int {
	n := 0
	for _, t := range r.E2E.Tracks {
		if t.Steps > 0 {
			n++
		}
	}
	return n
}

// inferTP adds to a head-count cause what the number of ranks says of it.
func inferTP(r *Result, cause *Cause, k int) {
	n := alikeRanks(r)
	switch {
	case n < 2:
	case n == k:
		cause.Evidence = append(cause.Evidence, fmt.Sprintf("%d ranks of the E2E launch alike, which agrees with TP=%d", n, k))
	default:
		cause.Evidence = append(cause.Evidence, fmt.Sprintf("%d ranks of the E2E launch alike, which is not the factor %d: part of them may be other replicas or pipeline stages", n, k))
	}
}

// expectTP takes the tensor parallelism that an unsharded mock is to be scaled
// by from the number of ranks that launch alike, where the caller does not say.
func (c *comparer) expectTP(r *Result) {
	if !c.o.ScaleTP || c.o.TP != 0 || c.o.Regression {
		return
	}
	if n := alikeRanks(r); n > 1 {
		c.o.TP, r.Limits.TP = n, n
		r.E2E.Warnings = append(r.E2E.Warnings, fmt.Sprintf("TP=%d is taken from the number of ranks that launch alike", n))
	}
}

// missedTP says where an expected tensor parallelism does not show.
func (c *comparer) missedTP(r *Result) {
	if c.o.TP < 2 || c.o.Regression {
		return
	}
	for i := range r.Causes {
		if x := &r.Causes[i]; x.Code == CauseHeadCount {
			if x.Factor != float64(c.o.TP) {
				r.E2E.Warnings = append(r.E2E.Warnings, fmt.Sprintf("TP=%d is expected, and the heads differ by %.4g", c.o.TP, x.Factor))
			}
			return
		}
	}
	if c.o.ScaleTP {
		r.E2E.Warnings = append(r.E2E.Warnings, fmt.Sprintf("TP=%d is to be divided out, and nothing differs by it: mock and E2E run as many heads", c.o.TP))
	}
}
