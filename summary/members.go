package summary

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Schema names the format that this package writes.
const Schema = "nsysdiff-summary/1"

// sniffed is how the text of each summary begins.
const sniffed = `{"schema":"nsysdiff-summary/`

const (
	// maxLine bounds a line of JSON, so that no file makes a reader use more
	// memory than a multiple of it. The longest that align.Reduce leads to
	// is several times shorter.
	maxLine = 128 << 20
	// maxHeader bounds the first line.
	maxHeader = 4 << 10
)

// A header is the first line of a file.
type header struct {
	Schema  string `json:"schema"`
	Reports int    `json:"reports"`
}

// headerMember returns the member of the header of n reports.
func headerMember(n int) ([]byte, error) {
	line, err := json.Marshal(header{Schema, n})
	if err != nil {
		return nil, err
	}
	return member(append(line, '\n'))
}

// member compresses a line. Its gzip header has no time and no name.
func member(line []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(line); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// newMemberReader returns a reader of the gzip member that r is at. It leaves r
// at the member's end.
func newMemberReader(r *bytes.Reader) (*gzip.Reader, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return z, nil
}

// readMember reads the text of the member that r is at, of at most limit bytes,
// into b, whose bytes it returns.
func readMember(b *bytes.Buffer, r *bytes.Reader, limit int64) ([]byte, error) {
	b.Reset()
	z, err := newMemberReader(r)
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(b, io.LimitReader(z, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("a line of more than %d bytes", limit)
	}
	return b.Bytes(), err
}

// members calls fn for each report of a file, with where its member is and
// whose it is. The error is an *Error.
func members(data []byte, fn func(from, to int, k key)) error {
	var b bytes.Buffer
	r := bytes.NewReader(data)
	line, err := readMember(&b, r, maxHeader)
	switch {
	case bytes.HasPrefix(data, []byte(sniffed)):
		return rewritten("decompressed")
	case !bytes.HasPrefix(line, []byte(sniffed)):
		return foreign(data, err)
	case bytes.Contains(bytes.TrimSuffix(line, []byte("\n")), []byte("\n")):
		return rewritten("compressed again")
	}
	if err != nil {
		return damaged(err)
	}
	var h header
	if err := json.Unmarshal(line, &h); err != nil {
		return damaged(err)
	}
	if err := checkSchema(h.Schema); err != nil {
		return err
	}
	n := 0
	for ; r.Len() > 0; n++ {
		from := len(data) - r.Len()
		line, err := readMember(&b, r, maxLine)
		if err != nil {
			return damaged(err)
		}
		k, err := keyOf(line)
		if err != nil {
			return damaged(err)
		}
		fn(from, len(data)-r.Len(), k)
	}
	switch {
	case n != h.Reports:
		return damaged(fmt.Errorf("%d reports of %d", n, h.Reports))
	case n == 0:
		return damaged(errors.New("no reports"))
	}
	return nil
}

// keyOf returns the key of a line, of which it reads no more than it must.
func keyOf(line []byte) (key, error) {
	var p partJSON
	var digest *string
	var capture *captureJSON
	d := json.NewDecoder(bytes.NewReader(line))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return key{}, cmp.Or(err, errors.New("not a JSON object"))
	}
	// The origin, which not every summary has, stands before the launches.
	for name := json.Token(nil); d.More() && (digest == nil || capture == nil || name != "launches"); {
		var err error
		if name, err = d.Token(); err != nil {
			return key{}, err
		}
		var into any = &json.RawMessage{}
		switch name {
		case "digest":
			into = &digest
		case "capture":
			into = &capture
		case "source":
			into = &p.Source
		case "options":
			into = &p.Options
		}
		if err := d.Decode(into); err != nil {
			return key{}, err
		}
	}
	if digest == nil || capture == nil {
		return key{}, errors.New("a report without its capture or digest")
	}
	p.Digest, p.Capture = *digest, *capture
	return p.key(), nil
}

// checkSchema refuses what a later version of nsysdiff wrote in a way that
// this one cannot read.
func checkSchema(schema string) error {
	if schema == Schema {
		return nil
	}
	number, _ := strings.CutPrefix(schema, "nsysdiff-summary/")
	if n, err := strconv.Atoi(number); err == nil && n > 1 {
		return &Error{
			Problem: fmt.Sprintf("the summary was made by a newer nsysdiff (%s; this one reads %s)", schema, Schema),
			Hint:    "update nsysdiff, or summarise the report again with this one",
		}
	}
	return damaged(fmt.Errorf("schema %q", schema))
}
