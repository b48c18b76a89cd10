package align

import (
	"context"
	"strconv"
	"sync"

	"github.com/nsysdiff/nsysdiff/trace"
)

// A symbol is what alignment knows of one launch configuration. Two launches
// are compared by the numbers in their symbols alone.
type symbol struct {
	name    int32 // equal for equal names (and aliases)
	family  int32 // equal for equal families
	noDtype int32 // equal for families that differ by data type only
	geom    int32 // equal for equal grid and block
}

// An alphabet numbers the names, families and geometries of all traces of one
// comparison, so that symbols of different traces can be compared.
type alphabet struct {
	names    numbering[string]
	families numbering[string]
	noDtype  numbering[string]
	geoms    numbering[[6]int32]
	byName   map[string]symbol // geom unset
	aliases  []Alias
	info     []nameInfo // by symbol.name
}

// nameInfo is what a name says of its kernel.
type nameInfo struct {
	name   string
	family string
	kind   KernelKind
}

func newAlphabet(aliases []Alias) *alphabet {
	return &alphabet{byName: map[string]symbol{}, aliases: aliases}
}

// symbols returns the symbol of each configuration of a trace. All kernel names of the
// trace are known from then on, so that the alphabet is only read.
func (a *alphabet) symbols(t *trace.Trace) []symbol {
	a.learn(kernelNames(t))
	syms := make([]symbol, len(t.Configs))
	for i := range t.Configs {
		c := &t.Configs[i]
		s := a.name(t.Strings[c.Name])
		s.geom = a.geoms.id([6]int32{c.Grid[0], c.Grid[1], c.Grid[2], c.Block[0], c.Block[1], c.Block[2]})
		syms[i] = s
	}
	return syms
}

// learn puts names into the alphabet, in their order. To tell the families of
// kernels takes most of the time to compare two small reports.
func (a *alphabet) learn(names []string) {
	var keys, unknown []string
	seen := map[string]bool{}
	for _, name := range names {
		key := a.key(name)
		if _, known := a.byName[key]; !known && !seen[key] {
			seen[key] = true
			keys, unknown = append(keys, key), append(unknown, name)
		}
	}
	info, noDtype := make([]nameInfo, len(keys)), make([]string, len(keys))
	eachName(len(keys), func(p *parser, i int) {
		family := p.family(unknown[i])
		info[i] = nameInfo{name: unknown[i], family: family, kind: kindOf(family)}
		noDtype[i] = ignoreDtype(family)
	})
	for i, key := range keys {
		a.byName[key] = symbol{
			name:    a.names.id(key),
			family:  a.families.id(info[i].family),
			noDtype: a.noDtype.id(noDtype[i]),
		}
		a.info = append(a.info, info[i])
	}
}

// eachName calls fn for names 0 to n-1 on several processors, for as many names at a
// time as are worth a goroutine, with a parser that those share.
func eachName(n int, fn func(p *parser, i int)) {
	const share = 4
	parsers := sync.Pool{New: func() any { return new(parser) }}
	parallel(context.Background(), (n+share-1)/share, func(k int) {
		p := parsers.Get().(*parser)
		defer parsers.Put(p)
		for i := k * share; i < min(k*share+share, n); i++ {
			fn(p, i)
		}
	})
}

// name returns the symbol of a name, without geometry.
func (a *alphabet) name(name string) symbol {
	key := a.key(name)
	s, known := a.byName[key]
	if !known {
		a.learn([]string{name})
		s = a.byName[key]
	}
	return s
}

// key returns what a name is known by. An alias gives both its kernels one
// made-up name, on both sides, so that equal names stay equal.
func (a *alphabet) key(name string) string {
	for i := range a.aliases {
		if a.aliases[i].Mock.MatchString(name) || a.aliases[i].E2E.MatchString(name) {
			return aliasKey(i)
		}
	}
	return name
}

// of returns what a name says of its kernel. Names of aliases share what the
// first of them said.
func (a *alphabet) of(name string) nameInfo { return *a.facts(a.name(name)) }

// facts is of for a symbol.
func (a *alphabet) facts(y symbol) *nameInfo { return &a.info[y.name] }

// aliasKey is a key that no kernel name equals.
func aliasKey(i int) string { return "\x00alias " + strconv.Itoa(i) }

// A side is which of the two traces a launch belongs to.
type side int

const (
	sideMock side = iota
	sideE2E
)

func (s side) String() string {
	if s == sideMock {
		return "mock"
	}
	return "e2e"
}

// A numbering gives equal values equal numbers, counting from 0.
type numbering[T comparable] struct {
	ids map[T]int32
}

func (n *numbering[T]) id(v T) int32 {
	if n.ids == nil {
		n.ids = map[T]int32{}
	}
	id, ok := n.ids[v]
	if !ok {
		id = int32(len(n.ids))
		n.ids[v] = id
	}
	return id
}
