package pages

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// A template is what some records share: the header, and with it where the
// columns lie, and the values of the key columns. As launches repeat in
// sequence, the record after some others mostly has the template that came next
// the last time, and to see that it does takes one comparison of a few words.
type template struct {
	size  int32 // of the record; -1 if it cannot be told from what lies in the page
	key   uint32
	loads uint32  // where those of the wanted columns begin in templates.loads
	words []words // from the start of the record
}

// unknown is the number of a template that no record has.
const unknown = 0

// Words are four times eight bytes that all records of a template share, as
// far as the mask goes.
type words struct{ value, mask [4]uint64 }

const wordsSize = 32 // bytes

// matches reports whether a record has the template.
func (t *template) matches(r *record, page *window) bool {
	return uint32(t.size) == r.size && t.alike(page, r.at)
}

// alike reports whether the record at a place of the page, with what follows it,
// has the words of the template.
func (t *template) alike(page *window, at uint32) bool {
	diff := uint64(0)
	for i := range t.words {
		w, r := &t.words[i], (*[wordsSize]byte)(page[at%maxPageSize:])
		diff |= (binary.LittleEndian.Uint64(r[0:8])^w.value[0])&w.mask[0] |
			(binary.LittleEndian.Uint64(r[8:16])^w.value[1])&w.mask[1] |
			(binary.LittleEndian.Uint64(r[16:24])^w.value[2])&w.mask[2] |
			(binary.LittleEndian.Uint64(r[24:32])^w.value[3])&w.mask[3]
		at += wordsSize
	}
	return diff == 0
}

// A load says how to read an integer: the eight bytes at offset, shifted right
// as a signed number, or, where the header alone tells the value and shift is
// 64, the constant.
type load struct {
	offset   uint32
	shift    uint32
	constant int64
}

// value returns the integer of the record at a place of the page.
func (l *load) value(page *window, at uint32) int64 {
	if l.shift > 63 {
		return l.constant
	}
	return int64(page.uint64(at+l.offset)) >> (l.shift & 63)
}

// of returns the integer of a record that was put together, padded.
func (l *load) of(record []byte) int64 {
	if l.shift > 63 {
		return l.constant
	}
	return int64(binary.BigEndian.Uint64(record[l.offset:])) >> (l.shift & 63)
}

// A plan is what the records that have one header share.
type plan struct {
	number uint32
	header string
	size   int // of the record
	need   int // bytes of it that hold header and wanted values
	local  bool
	loads  []load
	first  uint32  // of loads in templates.loads, if local
	keys   []field // of the key columns
}

// What a worker remembers is bounded, about. A few dozen plans and a few hundred
// templates are usual.
const (
	maxBytes = 1 << 20 // of plans, and of templates
	// maxKeyBytes bounds the keys that all workers remember: tens of thousands, as
	// launches of ever new grids have.
	maxKeyBytes = 64 << 20
	// refresh is the number of records without a template after which others than
	// the first get one.
	refresh = 1 << 16
)

// templates finds the templates of records.
type templates struct {
	scan   *scan
	number int // of the worker
	opts   *table.IntsOptions
	all    []template // by number
	loads  []load     // of all plans
	// guess remembers the template that came after the last few, by history,
	// which mixes their numbers: of each earlier one fewer bits count.
	guess   [1 << historyBits]uint32
	history uint32
	// heads remembers the template of the last record that began alike.
	heads  [1 << headBits]uint32
	plans  map[string]*plan
	recent [1024]*plan // by hash of the header, a faster way to plans
	seed   maphash.Seed
	known  map[string]knownKey // by plan and the bytes of the keys
	round  uint32              // counts how often templates were dropped
	bare   int                 // records without a template since
	fields []field
	// What plans, templates and keys take, about.
	planBytes, templateBytes, keyBytes int
	keyRaw                             []byte
	keyRow                             []table.Value
	record                             []byte // padded
}

func (ts *templates) init(sc *scan, number int, opts *table.IntsOptions) {
	ts.scan, ts.number, ts.opts = sc, number, opts
	ts.seed = maphash.MakeSeed()
	ts.keyRow = make([]table.Value, len(opts.Keys))
	ts.forget()
}

// A knownKey is what is remembered of values of the key columns.
type knownKey struct {
	key      uint32 // what IntsOptions.Key says of them
	template uint32 // of the records that have them, if made in this round
	round    uint32
}

// forget drops all plans, keys and templates.
func (ts *templates) forget() {
	ts.plans, ts.known = map[string]*plan{}, map[string]knownKey{}
	clear(ts.recent[:])
	ts.loads = ts.loads[:0]
	ts.planBytes, ts.keyBytes = 0, 0
	ts.forgetTemplates()
}

// forgetTemplates drops all templates.
func (ts *templates) forgetTemplates() {
	clear(ts.guess[:])
	clear(ts.heads[:])
	clear(ts.all) // for what it points to
	ts.all = append(ts.all[:0], template{size: -1})
	ts.templateBytes, ts.history, ts.bare = 0, 0, 0
	ts.round++
}

// tidy drops what has become too much. Nothing that it drops may be in use.
func (ts *templates) tidy() {
	switch {
	case ts.planBytes > maxBytes || ts.keyBytes > max(maxBytes, maxKeyBytes/ts.scan.workers(ts.opts.Workers)):
		ts.forget()
	case ts.bare > refresh:
		// Those that have a template are no longer, or not yet, what most records are.
		ts.forgetTemplates()
	}
}

const (
	historyBits = 12
	headBits    = 10
	spread      = 0x9E3779B1 // of the numbers of templates in the history
)

// remember adds a number to the history: the bits of the fourth last leave it.
func remember(history, number uint32) uint32 {
	return (history<<3 ^ number*spread>>(32-historyBits)) % (1 << historyBits)
}

// headed returns the place in heads of records that begin as r does, with the
// same types of the first columns, and are as long.
func (ts *templates) headed(r *record, page *window) *uint32 {
	h := page.uint64(r.at) ^ uint64(r.size)<<48
	return &ts.heads[h*0x9E3779B97F4A7C15>>(64-headBits)]
}

// A finding is how to read a record.
type finding struct {
	template uint32 // or unknown, if there is no room for one
	key      uint32
	plan     *plan
	record   []byte // as far as it is needed, with padding, if it does not all lie in the page
}

// find finds out how to read a record.
func (ts *templates) find(r *reader, b *btreePage, c cell) (f finding, err error) {
	if f.plan, err = ts.plan(r, b, c); err != nil {
		return finding{}, err
	}
	record, err := r.prefix(b, c, f.plan.need)
	if err != nil {
		return finding{}, err
	}
	if f.template, f.key, err = ts.template(f.plan, record); err != nil {
		return finding{}, err
	}
	if !f.plan.local {
		ts.record = append(append(ts.record[:0], record...), make([]byte, padding)...)
		f.record = ts.record
	}
	return f, nil
}

// plan returns the plan for a record.
func (ts *templates) plan(r *reader, b *btreePage, c cell) (*plan, error) {
	header, err := r.header(b, c)
	if err != nil {
		return nil, err
	}
	recent := &ts.recent[maphash.Bytes(ts.seed, header)%uint64(len(ts.recent))]
	p := *recent
	if p == nil || p.header != string(header) {
		p = ts.plans[string(header)]
	}
	if p == nil {
		if p, err = ts.newPlan(header); err != nil {
			return nil, fmt.Errorf("page %d: %w", b.number, err)
		}
		ts.planBytes += len(header) + 64*len(ts.scan.wanted) + 256
		ts.plans[p.header] = p
	}
	*recent = p
	if p.size != c.size {
		return nil, refuse("page %d: a record of %d bytes whose header says %d", b.number, c.size, p.size)
	}
	return p, nil
}

func (ts *templates) newPlan(header []byte) (*plan, error) {
	sc := ts.scan
	fields, size, need, err := parseRecord(ts.fields, header, sc.def.columns, sc.wanted)
	if err != nil {
		return nil, err
	}
	ts.fields = fields
	columns := len(sc.wanted) - len(ts.opts.Keys)
	p := &plan{
		number: uint32(len(ts.plans)),
		header: string(header),
		size:   size,
		need:   need,
		local:  need <= sc.layout.local(size),
		loads:  make([]load, 0, columns),
		keys:   slices.Clone(fields[columns:]),
	}
	for _, f := range fields[:columns] {
		n, _ := width(f.serial)
		l := load{shift: 64}
		switch {
		case f.column.rowid: // filled in by the caller
		case f.absent && !f.column.known:
			return nil, refuse("column %s: a row from before it was added", f.column.Name)
		case f.absent && f.column.missing.Kind == table.Null, !f.absent && f.serial == 0:
			l.constant = ts.opts.Null
		case f.absent:
			l.constant = f.column.missing.Int
		case f.serial == 8 || f.serial == 9:
			l.constant = int64(f.serial - 8)
		case f.serial <= 6:
			l = load{offset: uint32(f.offset), shift: uint32(64 - 8*n)}
		default:
			return nil, refuse("column %s: a value that is not an integer", f.column.Name)
		}
		p.loads = append(p.loads, l)
	}
	if p.local {
		p.first = uint32(len(ts.loads))
		ts.loads = append(ts.loads, p.loads...)
	}
	return p, nil
}

// template returns the number of the template of a record that has the header of
// p, which is unknown if there is no room for one, and its key.
func (ts *templates) template(p *plan, record []byte) (number, key uint32, err error) {
	raw := binary.LittleEndian.AppendUint32(ts.keyRaw[:0], p.number)
	for i := range p.keys {
		raw = append(raw, p.keys[i].of(record)...)
	}
	ts.keyRaw = raw
	k, known := ts.known[string(raw)]
	switch {
	case known && k.round == ts.round && k.template != unknown:
		return k.template, k.key, nil
	case !known:
		if k.key, err = ts.key(p, record); err != nil {
			return unknown, 0, err
		}
		ts.keyBytes += len(raw) + 64
	}
	k.template, k.round = unknown, ts.round
	if ts.templateBytes < maxBytes {
		t := template{size: -1, key: k.key}
		if p.local {
			t.size = int32(p.size)
			t.words, t.loads = p.recognise(record), p.first
		}
		ts.templateBytes += 64*len(t.words) + 128
		k.template = uint32(len(ts.all))
		ts.all = append(ts.all, t)
	} else {
		ts.bare++
	}
	if !known || k.template != unknown {
		ts.known[string(raw)] = k
	}
	return k.template, k.key, nil
}

// key returns what IntsOptions.Key says of a record, 0 if it is not asked.
func (ts *templates) key(p *plan, record []byte) (key uint32, err error) {
	for i := range p.keys {
		if ts.keyRow[i], err = p.keys[i].value(record, 0); err != nil {
			return 0, err
		}
	}
	if ts.opts.Key == nil {
		return 0, nil
	}
	return ts.opts.Key(ts.number, ts.keyRow)
}

// recognise returns the words by which the template of a record is recognised:
// they cover the header and the key columns.
func (p *plan) recognise(record []byte) []words {
	end := len(p.header)
	for i := range p.keys {
		end = max(end, p.keys[i].offset+p.keys[i].width())
	}
	out := make([]words, (end+wordsSize-1)/wordsSize)
	cover := func(from, to int) {
		for i := from; i < to; i++ {
			w, k, shift := &out[i/wordsSize], i%wordsSize/8, 8*(i%8)
			w.value[k] |= uint64(record[i]) << shift
			w.mask[k] |= 0xff << shift
		}
	}
	cover(0, len(p.header))
	for i := range p.keys {
		cover(p.keys[i].offset, p.keys[i].offset+p.keys[i].width())
	}
	return out
}
