package align

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nsysdiff/nsysdiff/internal/intern"
)

// otherPlaces are the places of a step that hold part of what the mock launches, or more,
// beside places that hold it exactly: layers of another kind, most of which is alike, as
// in models of dense layers and layers of experts.
type otherPlaces struct {
	n           int             // in the typical step
	unlike      int             // of which more differs than the tile of a kernel
	geometry    bool            // the geometry of launches tells them
	differences map[uint64]bool // from the mock, of those in the typical step
	example     *occurrence     // of the most frequent difference
}

// maxOtherGeometries is how many ways there may be to launch the same kernels with
// another geometry, for these to be kinds of layers. Where experts are chosen each layer
// launches what its tokens happen to need.
const maxOtherGeometries = 2

// tellOthers returns which of the occurrences in the typical step are of another kind
// than those that hold the mock exactly, by name or, of these, by geometry too.
func tellOthers(mock, seq []element, occ []*occurrence) otherPlaces {
	var p otherPlaces
	byName, byGeometry := make([]uint64, len(occ)), make([]uint64, len(occ))
	geometries := map[uint64]bool{} // differences of those that are exact by name
	for i, o := range occ {
		byName[i], byGeometry[i] = o.difference(mock, seq, false), o.difference(mock, seq, true)
		if byName[i] == 0 {
			geometries[byGeometry[i]] = true
		}
	}
	if len(geometries) == 0 {
		return p // none is exact
	}
	differences := byName
	if others := len(geometries) - 1; geometries[0] && others > 0 && others <= maxOtherGeometries {
		p.geometry, differences = true, byGeometry
	}
	p.differences = map[uint64]bool{}
	counts, most := map[uint64]int{}, 0
	for i, o := range occ {
		d := differences[i]
		if d == 0 {
			continue
		}
		p.n++
		if o.matched < len(mock) || len(o.inserted) > 0 || byName[i] == 0 {
			p.unlike++
		}
		p.differences[d] = true
		if counts[d]++; counts[d] > most {
			most, p.example = counts[d], o
		}
	}
	return p
}

// difference returns a number for what an occurrence launches otherwise than the mock, 0
// for nothing.
func (o *occurrence) difference(mock, seq []element, geometry bool) uint64 {
	h := uint64(0)
	for i, at := range o.at {
		switch {
		case at < 0:
			h = intern.Mix(h, uint64(i)<<2|1)
		case seq[at].name != mock[i].name:
			h = intern.Mix(intern.Mix(h, uint64(i)<<2|2), uint64(seq[at].name))
		case geometry && seq[at].geom != mock[i].geom:
			h = intern.Mix(intern.Mix(h, uint64(i)<<2|3), uint64(seq[at].geom))
		}
	}
	for _, ins := range o.inserted {
		h = intern.Mix(intern.Mix(h, uint64(ins.gap)<<2), uint64(seq[ins.at].name))
	}
	return h
}

// placesFinding says what other places there are in each step. The mock may be meant for
// what most of them launch: then what it is to be compared with is for the user to say.
// Places that run no more than another tile somewhere are another operation, mostly.
func (c *comparer) placesFinding(r *Result, f *fit) {
	p := f.placing
	o := p.others
	if c.o.Regression || o.n == 0 {
		return
	}
	seq := c.e2e.elements(p.kind.rep())
	var lacks, other, more, geometry distinct
	name := func(e element) string { return c.short(c.alphabet.info[e.name].name) }
	for i, at := range o.example.at {
		switch {
		case at < 0:
			lacks.add(name(f.mock[i]))
		case seq[at].name != f.mock[i].name:
			other.add(fmt.Sprintf("%s for %s", name(seq[at]), name(f.mock[i])))
		case o.geometry && seq[at].geom != f.mock[i].geom:
			geometry.add(name(seq[at]))
		}
	}
	for _, ins := range o.example.inserted {
		more.add(name(seq[ins.at]))
	}
	var how []string
	for _, d := range []struct {
		how   string
		names distinct
	}{{"without %s", lacks}, {"with %s", other}, {"with %s besides", more}, {"with another grid or block of %s", geometry}} {
		if len(d.names.texts) > 0 {
			how = append(how, fmt.Sprintf(d.how, list(d.names.texts, 4)))
		}
	}
	finding := Finding{
		Code: CodeOccurrences, Severity: SeverityInfo,
		Message: fmt.Sprintf("%d of %s in each step launch exactly what the mock does and were compared; the other %d launch part of it, %s",
			p.perStep, count(p.perStep+o.n, "place"), o.n, strings.Join(how, ", ")),
		Hint: hintLayers,
	}
	if o.unlike > p.perStep {
		finding.Severity = SeverityWarning
	}
	r.Findings = append(r.Findings, finding)
}

// keep leaves out the occurrences of a step that are like other places of the typical one.
func (p *otherPlaces) keep(mock, seq []element, occ []*occurrence) []*occurrence {
	if p.n == 0 {
		return occ
	}
	return slices.DeleteFunc(occ, func(o *occurrence) bool { return p.differences[o.difference(mock, seq, p.geometry)] })
}
