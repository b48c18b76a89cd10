package align

import (
	"slices"
	"strings"

	"github.com/ianlancetaylor/demangle"
)

// A kernel is a kernel name taken apart. Names that are the same function
// under another spelling (mangled, demangled by Nsight Systems, demangled by
// c++filt) come apart into the same pieces.
type kernel struct {
	path   string   // qualified name without the last template arguments: "at::native::reduce_kernel"
	args   []phrase // the last template arguments
	params string   // "(float*, int)" of a function that is no template, "" for all others
	tmpl   bool     // the name has template arguments, maybe none: "f<>"
}

// id returns the name without what qualifies it.
func (k kernel) id() string { return lastComponent(k.path) }

func lastComponent(path string) string {
	if i := strings.LastIndex(path, "::"); i >= 0 {
		return path[i+len("::"):]
	}
	return path
}

// String spells the kernel in the one spelling that families have.
func (k kernel) String() string {
	if !k.tmpl {
		return k.path + k.params
	}
	var b strings.Builder
	b.WriteString(k.path)
	part{open: '<', items: k.args}.print(&b)
	return b.String()
}

// A phrase is a piece of C++ between separators: a template argument, a
// parameter, a whole name. It is kept as text and bracketed groups, not as a
// syntax tree: the spellings only need to be equal, not understood.
type phrase []part

// A part is text, or a bracketed group if open is not 0.
type part struct {
	text  string
	open  byte // one of < ( [ {
	items []phrase
}

func (p phrase) String() string {
	var b strings.Builder
	p.print(&b)
	return b.String()
}

func (p phrase) print(b *strings.Builder) {
	for _, q := range p {
		q.print(b)
	}
}

func (q part) print(b *strings.Builder) {
	if q.open == 0 {
		b.WriteString(q.text)
		return
	}
	b.WriteByte(q.open)
	for i, item := range q.items {
		if i > 0 {
			b.WriteString(", ")
		}
		item.print(b)
	}
	b.WriteByte(closer(q.open))
}

func closer(open byte) byte {
	switch open {
	case '<':
		return '>'
	case '(':
		return ')'
	case '[':
		return ']'
	case '{':
		return '}'
	}
	return 0
}

// head returns the text that p begins with, without qualifiers:
// "tuple" for cute::tuple<…>.
func (p phrase) head() string {
	if len(p) == 0 {
		return ""
	}
	return lastComponent(p[0].text)
}

// template returns the arguments of p if it is a name with one list of
// template arguments at its end.
func (p phrase) template() []phrase {
	if len(p) == 2 && p[0].open == 0 && p[1].open == '<' {
		return p[1].items
	}
	return nil
}

// number reports whether p is an integer.
func (p phrase) number() bool {
	if len(p) != 1 || p[0].open != 0 {
		return false
	}
	return isNumber(strings.TrimPrefix(p[0].text, "-"))
}

// flag reports whether p is 0 or 1, which is how truth values are spelt.
func (p phrase) flag() bool {
	return len(p) == 1 && (p[0].text == "0" || p[0].text == "1")
}

// kernel takes a name apart. It reports false for a name that is no C++, or
// none whose brackets match.
func (s *parser) kernel(name string) (kernel, bool) {
	if strings.HasPrefix(name, "_Z") {
		// The limit keeps a name that repeats itself by substitution
		// from growing without bound.
		plain, err := demangle.ToString(name, demangle.MaxLength(17), demangle.NoRust)
		if err != nil || len(plain) >= 1<<17 {
			return kernel{}, false
		}
		name = plain
	}
	if !strings.ContainsAny(name, "<(:") || strings.HasPrefix(name, "<unresolved") {
		return kernel{}, false
	}
	p, ok := s.scan(name)
	if !ok {
		// Nsight Systems prints a condition such as T2 > 0 in a return
		// type without brackets around it:
		// std::enable_if<T2>(int)0&&vllm::_typeConvert<T1>::exists, void>::type vllm::f<…>(…)
		_, rest, found := strings.Cut(name, "::type ")
		if !found {
			return kernel{}, false
		}
		if p, ok = s.scan(rest); !ok {
			return kernel{}, false
		}
	}
	return newKernel(p)
}

func newKernel(p phrase) (kernel, bool) {
	for len(p) > 0 {
		last := p[len(p)-1]
		clone := last.open == '[' && len(last.items) == 1 && last.items[0].head() == "clone"
		if !clone && last.text != " const" {
			break
		}
		p = p[:len(p)-1]
	}
	var k kernel
	if n := len(p); n > 1 && p[n-1].open == '(' {
		k.params = p[n-1:].String()
		p = p[:n-1]
	}
	if n := len(p); n > 1 && p[n-1].open == '<' {
		// The parameters of a template follow from its arguments, and
		// only templates are spelt with a return type.
		k.args, k.tmpl, k.params = p[n-1].items, true, ""
		p = p[:n-1]
		if rest, found := afterSpace(p); found {
			p = rest
		}
	}
	k.path = dropArch(p.String())
	return k, k.path != ""
}

// dropArch drops namespaces that are named after an architecture:
// sm90::sparse_attn_fwd_kernel.
func dropArch(path string) string {
	if !strings.Contains(path, "sm") {
		return path
	}
	kept := strings.Split(path, "::")
	n := 0
	for i, c := range kept {
		if i+1 < len(kept) && isArch(c) {
			continue
		}
		kept[n] = c
		n++
	}
	return strings.Join(kept[:n], "::")
}

// afterSpace returns what follows the last space of p outside of brackets, and
// whether there is one.
func afterSpace(p phrase) (rest phrase, found bool) {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i].open != 0 {
			continue
		}
		if j := strings.LastIndexByte(p[i].text, ' '); j >= 0 {
			if text := p[i].text[j+1:]; text != "" {
				rest = phrase{{text: text}}
			}
			return append(rest, p[i+1:]...), true
		}
	}
	return nil, false
}

// A parser takes names apart. As it reuses its memory, what it returns holds
// until it is given the next name. The zero value is ready to use.
type parser struct {
	s     string // the name
	i     int    // what is read of it
	depth int    // of brackets
	// What is being read, the innermost phrase last.
	parts  []part
	inside []phrase
	text   pending
	// What was read: phrases are many and small.
	partSlab   slab[part]
	phraseSlab slab[phrase]
}

// scan reads a whole name and spells it in one way; see [phrase.canonical].
func (s *parser) scan(name string) (phrase, bool) {
	*s = parser{
		s: name, parts: s.parts[:0], inside: s.inside[:0], text: pending{b: s.text.b[:0]},
		partSlab: s.partSlab[:0], phraseSlab: s.phraseSlab[:0],
	}
	p, ok := s.phrase(0)
	return p, ok && s.i == len(name)
}

// A slab holds copies of slices.
type slab[T any] []T

// keep returns a copy of s, whose capacity is its length.
func (l *slab[T]) keep(s []T) []T {
	if len(s) > cap(*l)-len(*l) {
		*l = make([]T, 0, max(16, 2*cap(*l), len(s)))
	}
	n := len(*l)
	*l = append(*l, s...)
	return slices.Clip((*l)[n:])
}

// maxDepth bounds the nesting of brackets. Real names reach about 40.
const maxDepth = 500

// items reads what is between the bracket that was just read and its partner.
func (s *parser) items(open byte) ([]phrase, bool) {
	if s.depth++; s.depth > maxDepth {
		return nil, false
	}
	end, first := closer(open), len(s.inside)
	for {
		p, ok := s.phrase(end)
		if !ok {
			return nil, false
		}
		last := s.s[s.i] == end
		s.i++
		if len(p) > 0 || !last || len(s.inside) > first {
			s.inside = append(s.inside, p)
		}
		if last {
			items := s.phraseSlab.keep(s.inside[first:])
			s.inside = s.inside[:first]
			s.depth--
			return items, true
		}
	}
}

// phrase reads up to the comma or bracket that ends it, or to the end of the
// name if end is 0.
func (s *parser) phrase(end byte) (phrase, bool) {
	first, text := len(s.parts), &s.text
	space := false // a space was read and not yet written
	flush := func() {
		if t := text.take(s.s); t != "" {
			s.parts = append(s.parts, part{text: t})
		}
	}
	done := func() phrase {
		flush()
		p := phrase(s.parts[first:]).canonical()
		s.parts = s.parts[:first]
		return s.partSlab.keep(p)
	}
	// write adds the next n bytes to the text.
	write := func(n int) {
		if space && isWord(s.s[s.i]) && (text.last(s.s) == 0 && len(s.parts) > first || spaceAfter(text.last(s.s))) {
			text.space(s.s)
		}
		space = false
		text.add(s.s, s.i, s.i+n)
		s.i += n
	}
	for s.i < len(s.s) {
		c, rest := s.s[s.i], s.s[s.i:]
		if n := skipNamespace(rest); n > 0 {
			s.i += n
			continue
		}
		switch {
		case c == ' ' || c == '\t' || c == '\n':
			space = true
			s.i++
		case c == end, c == ',' && end != 0:
			return done(), true
		case isWord(c):
			w := word(rest)
			write(len(w))
			if w == "operator" {
				op := operator(s.s[s.i:])
				sym := strings.TrimLeft(op, " ")
				s.i += len(op) - len(sym)
				write(len(sym))
			}
		case strings.HasPrefix(rest, "::"), strings.HasPrefix(rest, "->"), strings.HasPrefix(rest, "<<"), strings.HasPrefix(rest, "<="):
			write(2)
		case c == '>' && end != '>' && end != 0: // a comparison in brackets
			write(1)
		case c == '<' || c == '(' || c == '[' || c == '{':
			flush()
			space = false
			s.i++
			items, ok := s.items(c)
			if !ok {
				return nil, false
			}
			s.parts = append(s.parts, part{open: c, items: items})
		case c == '>' || c == ')' || c == ']' || c == '}':
			return nil, false
		default:
			write(1)
		}
	}
	return done(), end == 0
}

// pending is text that is being read. As long as it stands in the name as it
// is, nothing is copied.
type pending struct {
	lo, hi int // the text is name[lo:hi], if b is empty
	b      []byte
}

func (t *pending) add(name string, lo, hi int) {
	switch {
	case len(t.b) > 0:
		t.b = append(t.b, name[lo:hi]...)
	case t.lo == t.hi:
		t.lo, t.hi = lo, hi
	case t.hi == lo:
		t.hi = hi
	default:
		t.b = append(append(t.b, name[t.lo:t.hi]...), name[lo:hi]...)
	}
}

// space adds a space, which may be the one that the name has there.
func (t *pending) space(name string) {
	if len(t.b) == 0 && t.lo < t.hi && name[t.hi] == ' ' {
		t.hi++
		return
	}
	if len(t.b) == 0 {
		t.b = append(t.b, name[t.lo:t.hi]...)
	}
	t.b = append(t.b, ' ')
}

// last returns the last byte, 0 if there is none.
func (t *pending) last(name string) byte {
	switch {
	case len(t.b) > 0:
		return t.b[len(t.b)-1]
	case t.lo < t.hi:
		return name[t.hi-1]
	}
	return 0
}

func (t *pending) take(name string) string {
	s := name[t.lo:t.hi]
	if len(t.b) > 0 {
		s = string(t.b)
	}
	*t = pending{b: t.b[:0]}
	return s
}

// spaceAfter reports whether a space between c and a word means something.
func spaceAfter(c byte) bool { return c != 0 && isWord(c) || c == '*' || c == '&' }

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || c == '~' || c >= 0x80
}

// word returns the letters and digits that s begins with.
func word(s string) string {
	for i := range len(s) {
		if !isWord(s[i]) {
			return s[:i]
		}
	}
	return s
}

// operator returns the symbol that follows the word operator, whose brackets
// are none: " ()", "<<", "->".
func operator(s string) string {
	t := strings.TrimLeft(s, " ")
	for _, op := range [...]string{"()", "[]", "<=>", "<<=", ">>=", "->*", "<<", ">>", "<=", ">=", "->", "<", ">"} {
		if strings.HasPrefix(t, op) {
			return s[:len(s)-len(t)+len(op)]
		}
	}
	return ""
}

// skipNamespace returns the length of the qualifier at the start of s that
// tells nothing: unnamed namespaces, in Nsight Systems' spelling, in c++filt's
// and in nvcc's with its hash of the file (_GLOBAL__N__fa15d16e_17_RangeFactories_cu_38772b08),
// and versions, as libcu++ (cuda::std::__4), CUB and Thrust
// (THRUST_300001_SM_750_800_NS) have them.
func skipNamespace(s string) int {
	n := 0
	switch s[0] {
	case '<':
		if strings.HasPrefix(s, "<unnamed>") {
			n = len("<unnamed>")
		}
	case '(':
		if strings.HasPrefix(s, "(anonymous namespace)") {
			n = len("(anonymous namespace)")
		}
	case '_', 'C', 'T':
		w := word(s)
		version := strings.HasPrefix(w, "__") && isNumber(w[2:]) ||
			strings.HasSuffix(w, "_NS") && (strings.HasPrefix(w, "CUB_") || strings.HasPrefix(w, "THRUST_"))
		if version || strings.HasPrefix(w, "_GLOBAL__N_") {
			n = len(w)
		}
	}
	if n == 0 || !strings.HasPrefix(s[n:], "::") {
		return 0
	}
	return n + len("::")
}

// canonical spells p in one way, whoever demangled it:
//
//	Nsight Systems                       c++filt                   here
//	(int)4, (bool)1                      4, true                   4, 1
//	(unsigned long)2                     2ul                       2
//	[lambda(float) (instance 1)]         {lambda(float)#1}         {lambda(float)#1}
//	void f<X>(T1 &)::[lambda() …]        f<X>(X&)::{lambda()#1}    f<X>::{lambda()#1}
//	const long *                         long const*               long const*
func (p phrase) canonical() phrase {
	out := p[:0] // never longer than what was read of p
	cut := 0     // out[:cut] has no space outside of brackets
	for i, q := range p {
		switch {
		case q.open == '(' && isCast(p, i):
			continue
		case q.open == '(' && i > 0 && i+1 < len(p) && p[i+1].open == 0:
			// The parameters of a function that something is local to,
			// and ahead of it what that function returns.
			if t := strings.TrimPrefix(p[i+1].text, " const"); strings.HasPrefix(t, "::") {
				p[i+1].text = t
				if rest, found := afterSpace(out[cut:]); found {
					out = rest
				}
				cut = len(out)
				continue
			}
		case q.open == '[':
			q = lambda(q)
		}
		out = append(out, q)
	}
	out = out.merged()
	if len(out) == 1 && out[0].open == 0 {
		out[0].text = literal(out[0].text)
	}
	return constLast(out)
}

// merged joins texts that stand side by side.
func (p phrase) merged() phrase {
	out := p[:0]
	for i := 0; i < len(p); {
		if p[i].open != 0 {
			out = append(out, p[i])
			i++
			continue
		}
		text := p[i].text
		if i++; i < len(p) && p[i].open == 0 {
			var b strings.Builder
			b.WriteString(text)
			for ; i < len(p) && p[i].open == 0; i++ {
				b.WriteString(p[i].text)
			}
			text = b.String()
		}
		if text != "" {
			out = append(out, part{text: text})
		}
	}
	return out
}

// isCast reports whether part i is the type of the integer that follows it.
func isCast(p phrase, i int) bool {
	if i+1 >= len(p) || p[i+1].open != 0 || len(p[i].items) != 1 {
		return false
	}
	t := p[i].items[0]
	if len(t) != 1 || !integerTypes[t[0].text] {
		return false
	}
	n := strings.TrimPrefix(p[i+1].text, "-")
	return n != "" && '0' <= n[0] && n[0] <= '9'
}

var integerTypes = map[string]bool{
	"bool": true, "char": true, "signed char": true, "unsigned char": true,
	"short": true, "unsigned short": true, "int": true, "unsigned int": true,
	"long": true, "unsigned long": true, "long long": true, "unsigned long long": true,
}

// lambda respells Nsight Systems' [lambda(float) (instance 1)].
func lambda(q part) part {
	if len(q.items) != 1 || q.items[0].head() != "lambda" {
		return q
	}
	p := q.items[0]
	last := p[len(p)-1]
	if last.open != '(' || len(last.items) != 1 || len(last.items[0]) != 1 {
		return q
	}
	n, ok := strings.CutPrefix(last.items[0][0].text, "instance ")
	if !ok {
		return q
	}
	item := slices.Clone(p)
	item[len(p)-1] = part{text: "#" + n}
	return part{open: '{', items: []phrase{item}}
}

// literal respells truth values and integers.
func literal(t string) string {
	switch t {
	case "true":
		return "1"
	case "false":
		return "0"
	}
	if n := strings.TrimRight(t, "ul"); n != t && isNumber(strings.TrimPrefix(n, "-")) {
		return n
	}
	return t
}

// constLast puts the const of "const T *" behind the type.
func constLast(p phrase) phrase {
	if len(p) == 0 || !strings.HasPrefix(p[0].text, "const ") {
		return p
	}
	q := append(phrase{{text: p[0].text[len("const "):]}}, p[1:]...)
	for i := range q {
		if q[i].open != 0 {
			continue
		}
		if j := strings.IndexAny(q[i].text, "*&"); j >= 0 {
			q[i].text = q[i].text[:j] + " const" + q[i].text[j:]
			return q
		}
	}
	return append(q, part{text: " const"})
}

// isNumber reports whether s is a decimal number without sign.
func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isArch reports whether s names an architecture: sm90, sm100f, Sm80.
func isArch(s string) bool {
	if len(s) < 4 || s[:2] != "sm" && s[:2] != "Sm" {
		return false
	}
	s = s[2:]
	if c := s[len(s)-1]; c == 'a' || c == 'f' {
		s = s[:len(s)-1]
	}
	return (len(s) == 2 || len(s) == 3) && isNumber(s)
}
