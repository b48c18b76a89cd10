package pages

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// A definition is one table of the schema.
type definition struct {
	name    string
	root    uint32
	sql     string // what parse parses, "" if columns and refused say all
	once    sync.Once
	columns []column // nil if they cannot be told
	refused error    // why the table's rows cannot be read, nil if they can
}

// parse fills in columns and refused: of the tables of a report few are read.
func (d *definition) parse() {
	d.once.Do(func() {
		if d.sql != "" {
			defer guard(&d.refused)
			d.columns, d.refused = parseTable(d.sql)
		}
	})
}

// A column is a column's definition, in the order of the fields of a record.
type column struct {
	table.Column
	rowid bool // an alias of the rowid; its fields are NULL (§2.3)
	// missing is the value of the column in the records that were written
	// before it was added; known says whether this package can tell.
	missing table.Value
	known   bool
}

// maxColumns is the most columns that SQLite takes by default
// (SQLITE_MAX_COLUMN).
const maxColumns = 2000

// tableName returns the name in a CREATE TABLE statement as the schema holds it,
// "" if it is none.
func tableName(sql string) string {
	p := ddl{sql: sql, rest: sql}
	p.next()
	if !p.take("CREATE") || !p.take("TABLE") {
		return ""
	}
	return p.tok.text
}

// parseTable parses a CREATE TABLE statement as the schema holds it: columns
// with a type and the usual constraints. It refuses what it does not know, as
// what it does not know may change how rows are stored.
func parseTable(sql string) (columns []column, refused error) {
	p := ddl{sql: sql, rest: sql}
	p.next()
	if !p.take("CREATE") || !p.take("TABLE") {
		return nil, refuse("not an ordinary table")
	}
	p.next() // the name
	if !p.take("(") {
		return nil, refuse("table definition at %q", p.tok.text)
	}
	columns = make([]column, 0, min(strings.Count(sql, ",")+1, maxColumns))
	for {
		c, err := p.column()
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(columns, func(x column) bool { return strings.EqualFold(x.Name, c.Name) }) {
			return nil, refuse("two columns %q", c.Name)
		}
		if len(columns) == maxColumns {
			return nil, refuse("more than %d columns", maxColumns)
		}
		columns = append(columns, c)
		if p.take(",") {
			continue
		}
		if !p.take(")") {
			return nil, refuse("table definition at %q", p.tok.text)
		}
		break
	}
	for p.tok.kind != endToken {
		switch {
		case p.take("STRICT"):
		case p.take("WITHOUT"):
			if !p.take("ROWID") {
				return nil, refuse("table definition at %q", p.tok.text)
			}
			refused = refuse("a table without rowids")
		default:
			return nil, refuse("table definition at %q", p.tok.text)
		}
		p.take(",")
	}
	return columns, refused
}

type tokenKind int

const (
	endToken    tokenKind = iota // end of the statement, or of what can be read
	wordToken                    // bare word or number
	nameToken                    // quoted name
	stringToken                  // string in single quotes
	otherToken                   // one character
)

type token struct {
	kind       tokenKind
	text       string // unquoted
	start, end int    // in the statement
}

// A ddl is a parser of a statement. tok is the token that comes next.
type ddl struct {
	sql  string // the statement
	rest string // what is left of it after tok
	tok  token
}

// next moves to the next token and returns the one before.
func (p *ddl) next() token {
	was := p.tok
	p.skip()
	start := len(p.sql) - len(p.rest)
	p.tok = p.scan()
	p.tok.start, p.tok.end = start, len(p.sql)-len(p.rest)
	return was
}

// skip skips white space and comments.
func (p *ddl) skip() {
	for {
		n := 0
		for n < len(p.rest) && (p.rest[n] == ' ' || p.rest[n] >= '\t' && p.rest[n] <= '\r' && p.rest[n] != '\v') {
			n++
		}
		p.rest = p.rest[n:]
		switch {
		case strings.HasPrefix(p.rest, "--"):
			_, p.rest, _ = strings.Cut(p.rest, "\n")
		case strings.HasPrefix(p.rest, "/*"):
			_, p.rest, _ = strings.Cut(p.rest[2:], "*/")
		default:
			return
		}
	}
}

func (p *ddl) scan() token {
	if p.rest == "" {
		return token{}
	}
	switch c := p.rest[0]; c {
	case '"', '`':
		return p.quoted(c, nameToken)
	case '[':
		text, rest, ok := strings.Cut(p.rest[1:], "]")
		if !ok {
			return p.other()
		}
		p.rest = rest
		return token{kind: nameToken, text: text}
	case '\'':
		return p.quoted(c, stringToken)
	}
	n := 0
	for n < len(p.rest) && wordByte(p.rest[n]) {
		n++
	}
	if n == 0 {
		return p.other()
	}
	text := p.rest[:n]
	p.rest = p.rest[n:]
	return token{kind: wordToken, text: text}
}

// wordByte reports whether c may stand in a bare word. SQLite takes every
// byte that is not ASCII for a letter.
func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_' || c == '$' || c >= 0x80
}

func (p *ddl) other() token {
	text := p.rest[:1]
	p.rest = p.rest[1:]
	return token{kind: otherToken, text: text}
}

// quoted scans a quoted token, in which the quote is written twice.
func (p *ddl) quoted(quote byte, kind tokenKind) token {
	var text strings.Builder
	s := p.rest[1:]
	for {
		i := strings.IndexByte(s, quote)
		if i < 0 {
			return p.other()
		}
		text.WriteString(s[:i])
		s = s[i+1:]
		if s == "" || s[0] != quote {
			p.rest = s
			return token{kind: kind, text: text.String()}
		}
		text.WriteByte(quote)
		s = s[1:]
	}
}

// is reports whether the next token is a keyword or a punctuation mark.
func (p *ddl) is(text string) bool {
	return len(p.tok.text) == len(text) && (p.tok.kind == wordToken || p.tok.kind == otherToken) && strings.EqualFold(p.tok.text, text)
}

// take skips the next token if it is the one given.
func (p *ddl) take(text string) bool {
	if !p.is(text) {
		return false
	}
	p.next()
	return true
}

func (p *ddl) isAny(words ...string) bool {
	for _, w := range words {
		if p.is(w) {
			return true
		}
	}
	return false
}

// parentheses skips the tokens of a balanced pair.
func (p *ddl) parentheses() bool {
	depth := 0
	for {
		switch {
		case p.is("("):
			depth++
		case p.is(")"):
			depth--
		case p.tok.kind == endToken:
			return false
		}
		p.next()
		if depth == 0 {
			return true
		}
	}
}

func (p *ddl) column() (column, error) {
	var c column
	if p.tok.kind == endToken || p.tok.kind == otherToken || p.isAny("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN") {
		return c, refuse("table definition at %q", p.tok.text)
	}
	c.Name = p.next().text
	var err error
	if c.Type, err = p.columnType(); err != nil {
		return c, err
	}
	c.known = true // NULL, unless a default says otherwise
	for !p.is(",") && !p.is(")") {
		switch {
		case p.take("NOT"):
			if !p.take("NULL") {
				return c, refuse("column %q: NOT %q", c.Name, p.tok.text)
			}
		case p.take("NULL"), p.take("UNIQUE"):
		case p.take("PRIMARY"):
			// INTEGER PRIMARY KEY DESC is no alias, a quirk to leave alone.
			if !p.take("KEY") || p.is("DESC") {
				return c, refuse("column %q: PRIMARY KEY %q", c.Name, p.tok.text)
			}
			p.take("ASC")
			p.take("AUTOINCREMENT")
			c.rowid = c.Type == "INTEGER"
		case p.take("COLLATE"):
			p.next()
		case p.take("CHECK"):
			if !p.is("(") || !p.parentheses() {
				return c, refuse("column %q: CHECK %q", c.Name, p.tok.text)
			}
		case p.take("REFERENCES"):
			p.next()
			if p.is("(") && !p.parentheses() {
				return c, refuse("column %q: REFERENCES", c.Name)
			}
		case p.take("DEFAULT"):
			if err := p.defaultValue(&c); err != nil {
				return c, err
			}
		default:
			return c, refuse("column %q: %q", c.Name, p.tok.text)
		}
	}
	return c, nil
}

// columnType parses a declared type: words, then at most one pair of
// parentheses. It is the text of these as it stands in the statement, in upper
// case, as SQLite has it.
func (p *ddl) columnType() (string, error) {
	first, last := p.tok, p.tok
	for p.tok.kind == wordToken && !p.isAny("CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK",
		"DEFAULT", "COLLATE", "REFERENCES", "GENERATED", "AS") {
		last = p.next()
	}
	if p.tok.start == first.start {
		return "", nil
	}
	if p.is("(") {
		for !p.is(")") {
			if p.tok.kind == endToken {
				return "", refuse("a type without its closing bracket")
			}
			p.next()
		}
		last = p.next()
	}
	typ := p.sql[first.start:last.end]
	if strings.ContainsFunc(typ, func(r rune) bool { return r >= 0x80 }) {
		return "", refuse("type %q", typ)
	}
	return strings.ToUpper(typ), nil
}

// defaultValue parses what follows DEFAULT. It makes out the values whose
// meaning is beyond doubt: integers, and strings of text columns.
func (p *ddl) defaultValue(c *column) error {
	c.known = false
	switch {
	case p.is("("):
		if !p.parentheses() {
			return refuse("column %q: DEFAULT", c.Name)
		}
		return nil
	case p.tok.kind == stringToken:
		text := p.next().text
		if c.Type == "TEXT" {
			c.missing, c.known = table.Value{Kind: table.Text, Bytes: []byte(text)}, true
		}
		return nil
	}
	sign := ""
	if p.is("-") || p.is("+") {
		sign = p.next().text
	}
	if p.tok.kind != wordToken && p.tok.kind != nameToken {
		return refuse("column %q: DEFAULT %q", c.Name, p.tok.text)
	}
	t := p.next()
	if t.kind == nameToken {
		return nil
	}
	if strings.EqualFold(t.text, "NULL") && sign == "" {
		c.known = true
		return nil
	}
	if n, err := strconv.ParseInt(sign+t.text, 10, 64); err == nil && c.Type == "INTEGER" && !p.is(".") {
		c.missing, c.known = table.Value{Kind: table.Integer, Int: n}, true
		return nil
	}
	if p.take(".") && p.tok.kind == wordToken { // the fraction of a number
		p.next()
	}
	return nil
}
