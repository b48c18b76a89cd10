package align

import (
	"context"
	"slices"
	"sync"
)

// thresholds are the scores an occurrence must exceed, for each launch of the
// mock, tried in turn until one is found. The first asks for a little more
// than half of a perfect match: with less, two halves of one occurrence would
// each be worth more by themselves than both with the gap between them. The
// others are for mocks that run under other names throughout.
var thresholds = [...]int{(scoreName + scoreGeom) * 55 / 100, scoreFamily * 6 / 10, scoreNoDtype / 2}

// maxLocalCells bounds repeated local alignment, about 10 ns a cell. Beyond
// it the mock is as large as a model and is aligned once, globally.
const maxLocalCells = 200e6

// A finder finds the mock's typical step in one step after another, of which it
// remembers what localMemo does.
type finder struct {
	mock  []element
	memos [len(thresholds)]sync.Pool // of *localMemo
}

// occurrencesIn finds the mock in one step.
func occurrencesIn(ctx context.Context, mock, seq []element) ([]*occurrence, error) {
	return (&finder{mock: mock}).find(ctx, seq)
}

// find finds the mock in a step: all places with at least half of the mock's
// launches. Calls may run concurrently.
func (f *finder) find(ctx context.Context, seq []element) ([]*occurrence, error) {
	mock := f.mock
	if len(mock) == 0 || len(seq) == 0 {
		return nil, nil
	}
	if float64(len(mock))*float64(len(seq)) > maxLocalCells {
		o, err := placeWhole(ctx, mock, seq, true)
		if err != nil || o == nil {
			return nil, err
		}
		return []*occurrence{o}, nil
	}
	var found []*occurrence
	nothing, most := false, int32(0) // the best there is, where nothing was found
	for k, t := range thresholds {
		threshold := int32(min(t*len(mock), 1<<29))
		if nothing && most <= threshold {
			continue
		}
		m, ok := f.memos[k].Get().(*localMemo)
		if !ok {
			m = newLocalMemo(mock, threshold)
		}
		places, best, err := m.find(ctx, seq)
		f.memos[k].Put(m)
		if err != nil {
			return nil, err
		}
		nothing, most = len(places) == 0, best
		if found, err = alignPlaces(ctx, mock, seq, places); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(found, func(o *occurrence) bool { return float64(o.matched) >= minMatched*float64(len(mock)) }) {
			break
		}
	}
	return found, nil
}

// alignPlaces aligns the mock with each of some places in a step. Of places that
// hold the same, as most do, one is aligned.
func alignPlaces(ctx context.Context, mock, seq []element, places []interval) ([]*occurrence, error) {
	like := make([]int, len(places)) // the first place that holds the same
	var different []int
	var recent recents
	for i, iv := range places {
		like[i] = recent.like(i, func(r int) bool {
			return slices.Equal(seq[places[r].start:places[r].end], seq[iv.start:iv.end])
		})
		if like[i] == i {
			different = append(different, i)
		}
	}
	found := make([]*occurrence, len(places))
	err := try(ctx, len(different), func(k int) error {
		i := different[k]
		iv := places[i]
		pairs, err := alignGlobal(ctx, mock, seq[iv.start:iv.end])
		found[i] = newOccurrence(mock, seq, pairs, iv)
		return err
	})
	if err != nil {
		return nil, err
	}
	// The others lie side by side in memory.
	n := len(places) - len(different)
	moved, at := make([]occurrence, n), make([]int32, n*len(mock))
	for i, k := range like {
		if k == i {
			continue
		}
		o := &moved[0]
		*o, o.at = *found[k], at[:len(mock):len(mock)]
		o.moveTo(found[k], places[i])
		found[i], moved, at = o, moved[1:], at[len(mock):]
	}
	return found, nil
}

// moveTo makes o, but for the memory of its launches, what an occurrence is in another
// place that holds the same.
func (o *occurrence) moveTo(from *occurrence, place interval) {
	o.interval = place
	by := int32(place.start - from.start)
	for i, at := range from.at {
		o.at[i] = at
		if at >= 0 {
			o.at[i] += by
		}
	}
	o.inserted = slices.Clone(from.inserted)
	for i := range o.inserted {
		o.inserted[i].at += by
	}
}
