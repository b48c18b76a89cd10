package align

import "context"

// An occurrence is a place in a step where the mock's step aligns.
type occurrence struct {
	interval
	at       []int32 // by launch of the mock: the launch of the step, or -1
	matched  int
	geom     int // matched launches of equal geometry
	inserted []insertion
	score    int
	columns  []int32 // by column: the launch of the step, or -1
}

// An insertion is a launch of the step, inside an occurrence, without partner.
type insertion struct {
	gap int // launches of the mock before it
	at  int32
}

// placeWhole aligns the mock with a step once, from end to end. With trim,
// what the step launches before and after is not part of the occurrence.
func placeWhole(ctx context.Context, mock, seq []element, trim bool) (*occurrence, error) {
	pairs, err := alignGlobal(ctx, mock, seq)
	if err != nil {
		return nil, err
	}
	iv := interval{0, len(seq)}
	if trim {
		if len(pairs) == 0 {
			return nil, nil
		}
		iv = interval{int(pairs[0].b), int(pairs[len(pairs)-1].b) + 1}
		for i := range pairs {
			pairs[i].b -= int32(iv.start)
		}
	}
	return newOccurrence(mock, seq, pairs, iv), nil
}

// newOccurrence makes an occurrence of pairs whose b count from iv.start.
func newOccurrence(mock, seq []element, pairs []pair, iv interval) *occurrence {
	o := &occurrence{interval: iv, at: make([]int32, len(mock)), matched: len(pairs)}
	for i := range o.at {
		o.at[i] = -1
	}
	gap, next := 0, iv.start
	for _, p := range pairs {
		b := iv.start + int(p.b)
		for ; next < b; next++ {
			o.inserted = append(o.inserted, insertion{gap, int32(next)})
		}
		o.at[p.a] = int32(b)
		gap, next = int(p.a)+1, b+1
		s := score(mock[p.a], seq[b])
		o.score += int(s)
		if mock[p.a].geom == seq[b].geom {
			o.geom++
		}
	}
	for ; next < iv.end; next++ {
		o.inserted = append(o.inserted, insertion{gap, int32(next)})
	}
	return o
}

// value is the score of an occurrence less what its gaps cost.
func (o *occurrence) value() int {
	v := o.score
	run := 0
	for i, ins := range o.inserted {
		run++
		if i+1 == len(o.inserted) || o.inserted[i+1].gap != ins.gap {
			v -= gapCost(run)
			run = 0
		}
	}
	// Launches of the mock without partner, but for those at its ends.
	begun := false
	for _, at := range o.at {
		switch {
		case at < 0:
			run++
			continue
		case begun && run > 0:
			v -= gapCost(run)
		}
		begun, run = true, 0
	}
	return v
}
