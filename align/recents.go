package align

import "slices"

// recents is a few of many things that differ from each other, by their numbers, that
// seen last first: what repeats is mostly like one of these. The zero value is ready.
type recents []int

// maxRecent is how many are remembered: as many kinds of steps may alternate.
const maxRecent = 8

// like returns which of those remembered thing i is equal to, as equal reports, or i,
// which is remembered from then on, if there is none.
func (r *recents) like(i int, equal func(k int) bool) int {
	at := slices.IndexFunc(*r, equal)
	if at < 0 {
		*r = slices.Insert((*r)[:min(len(*r), maxRecent-1)], 0, i)
		return i
	}
	k := (*r)[at]
	copy((*r)[1:], (*r)[:at])
	(*r)[0] = k
	return k
}
