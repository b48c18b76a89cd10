package summary

import (
	"bytes"
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

// readMember returns the text of the member that r is at, of at most limit
// bytes.
func readMember(r *bytes.Reader, limit int64) ([]byte, error) {
	z, err := newMemberReader(r)
	if err != nil {
		return nil, err
	}
	line, err := io.ReadAll(io.LimitReader(z, limit+1))
	if err == nil && int64(len(line)) > limit {
		err = fmt.Errorf("a line of more than %d bytes", limit)
	}
	return line, err
}

// members calls fn for each report of a file, with where its member is and
// whose it is. The error is an *Error.
func members(data []byte, fn func(from, to int, k key)) error {
	r := bytes.NewReader(data)
	line, err := readMember(r, maxHeader)
	if !bytes.HasPrefix(line, []byte(sniffed)) {
		return foreign(err)
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
		line, err := readMember(r, maxLine)
		if err != nil {
			return damaged(err)
		}
		var p partKey
		if err := json.Unmarshal(line, &p); err != nil {
			return damaged(err)
		}
		fn(from, len(data)-r.Len(), p.key())
	}
	switch {
	case n != h.Reports:
		return damaged(fmt.Errorf("%d reports of %d", n, h.Reports))
	case n == 0:
		return damaged(errors.New("no reports"))
	}
	return nil
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
