package align

import (
	"cmp"
	"slices"

	"github.com/nsysdiff/nsysdiff/internal/intern"
)

// A fingerprint is the launches of a step regardless of order: how many there are
// of each name and geometry, of which a step has few even where it is long.
type fingerprint struct {
	n     int // launches
	parts []fingerprintPart
}

// A fingerprintPart is the launches of one kind. Those of a fingerprint are in
// ascending order of what.
type fingerprintPart struct {
	what printKey
	n    int
}

// printKey is the name and the geometry of a launch, as symbol numbers them.
type printKey uint64

// Hash makes it a key of [intern.Table].
func (k printKey) Hash() uint64 { return intern.Mix(0, uint64(k)) }

// newFingerprint returns the fingerprint of launches that are told in parts: part
// returns of what kind the launches of each are, and how many.
func newFingerprint(parts int, part func(i int) (printKey, int)) fingerprint {
	var keys intern.Table[printKey]
	var f fingerprint
	for i := range parts {
		k, n := part(i)
		if n == 0 {
			continue
		}
		id, isNew := keys.ID(&k)
		if isNew {
			f.parts = append(f.parts, fingerprintPart{what: k})
		}
		f.parts[id].n += n
		f.n += n
	}
	slices.SortFunc(f.parts, func(a, b fingerprintPart) int { return cmp.Compare(a.what, b.what) })
	return f
}

func (s *sequence) fingerprint(st *step) fingerprint {
	key := func(config uint32) printKey {
		y := &s.syms[config]
		return printKey(uint32(y.name))<<32 | printKey(uint32(y.geom))
	}
	if len(s.syms) > st.n {
		return newFingerprint(st.n, func(i int) (printKey, int) { return key(s.t.Launches.Config[st.at(i)]), 1 })
	}
	counts := make([]int32, len(s.syms)) // by configuration, of which there are few
	for i := range st.n {
		counts[s.t.Launches.Config[st.at(i)]]++
	}
	return newFingerprint(len(counts), func(i int) (printKey, int) { return key(uint32(i)), int(counts[i]) })
}

// like returns the part of the launches that two steps share, 0 to 1.
func (f fingerprint) like(g fingerprint) float64 {
	shared := 0
	for i, j := 0, 0; i < len(f.parts) && j < len(g.parts); {
		a, b := &f.parts[i], &g.parts[j]
		if a.what == b.what {
			shared += min(a.n, b.n)
		}
		if a.what <= b.what {
			i++
		}
		if a.what >= b.what {
			j++
		}
	}
	return 2 * float64(shared) / float64(f.n+g.n)
}

// equal reports whether two steps launch the same.
func (f fingerprint) equal(g fingerprint) bool { return slices.Equal(f.parts, g.parts) }

// withoutGeometry blanks the geometry.
func (f fingerprint) withoutGeometry() fingerprint {
	g := fingerprint{n: f.n}
	for _, p := range f.parts {
		p.what &^= 1<<32 - 1
		if last := len(g.parts) - 1; last >= 0 && g.parts[last].what == p.what {
			g.parts[last].n += p.n
		} else {
			g.parts = append(g.parts, p)
		}
	}
	return g
}
