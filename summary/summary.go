package summary

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/internal/fan"
	"github.com/nsysdiff/nsysdiff/trace"
)

// A Summary is what a comparison needs of one or more reports. It is not
// changed once it is made. Its zero value is of none, as Merge of nothing is.
type Summary struct {
	parts []part // in canonical order, each once
}

// A part is the summary of one report.
type part struct {
	key  key
	data []byte // a gzip member
}

// A key tells reports apart and orders them.
type key struct {
	Report
	digest string
}

// content is what tells reports apart: the same report may have been summarised
// under several paths.
type content struct {
	host     string
	startUTC int64
	digest   string
}

func (k key) content() content { return content{k.Host, k.StartUTC, k.digest} }

func (k key) compare(l key) int {
	return cmp.Or(
		cmp.Compare(k.Host, l.Host),
		cmp.Compare(k.StartUTC, l.StartUTC),
		cmp.Compare(k.Path, l.Path),
		cmp.Compare(k.digest, l.digest),
		cmp.Compare(k.Source, l.Source),
		cmp.Compare(k.Options, l.Options),
	)
}

// canonical puts what has keys in order and leaves out what is there again,
// whose paths are in duplicates.
func canonical[T any](list []T, keyOf func(*T) key) (kept []T, duplicates []string) {
	slices.SortStableFunc(list, func(a, b T) int { return keyOf(&a).compare(keyOf(&b)) })
	seen := make(map[content]bool, len(list))
	kept = slices.DeleteFunc(list, func(x T) bool {
		k := keyOf(&x)
		if seen[k.content()] {
			duplicates = append(duplicates, k.Path)
			return true
		}
		seen[k.content()] = true
		return false
	})
	return kept, duplicates
}

// A Report says which report a summary is of.
type Report struct {
	Path     string // as it was given when it was summarised
	Host     string
	StartUTC int64 // start of the capture, nanoseconds since the Unix epoch; 0 if unknown
	Origin
}

// Of summarises the trace of one report, whole or reduced by [align.Reduce].
// It is an error to summarise a trace of several reports; others are those of Reduce.
func Of(ctx context.Context, t *trace.Trace, o align.ReduceOptions) (*Summary, error) {
	return OfOrigin(ctx, t, Origin{}, o)
}

// OfOrigin is [Of], and notes the origin in the summary, for whoever would make
// the same again.
func OfOrigin(ctx context.Context, t *trace.Trace, from Origin, o align.ReduceOptions) (*Summary, error) {
	if len(t.Reports) > 1 {
		return nil, errors.New("summary of several reports: summarise each, then merge")
	}
	if t.Reduced == nil {
		var err error
		if t, err = align.Reduce(ctx, t, o); err != nil {
			return nil, err
		}
	}
	p, err := newPart(t, from)
	if err != nil {
		return nil, err
	}
	return &Summary{parts: []part{p}}, nil
}

// Merge puts summaries together. The result does not depend on their order or
// on how they were merged before. A report that is in several of them, or
// several times in one, be it under several paths, counts once, under the least
// of them; duplicates has its path for each further time, in order.
func Merge(summaries ...*Summary) (merged *Summary, duplicates []string) {
	merged = &Summary{}
	for _, s := range summaries {
		merged.parts = append(merged.parts, s.parts...)
	}
	merged.parts, duplicates = canonical(merged.parts, func(p *part) key { return p.key })
	return merged, duplicates
}

// Reports returns the reports that the summary is of, in order.
func (s *Summary) Reports() []Report {
	reports := make([]Report, len(s.parts))
	for i := range s.parts {
		reports[i] = s.parts[i].key.Report
	}
	return reports
}

// Trace returns the summary as a reduced trace. The error is an [*Error], for
// a summary that was read from a file that is wrong in itself, that of the
// context, or that of a summary of no reports.
func (s *Summary) Trace(ctx context.Context) (*trace.Trace, error) {
	if len(s.parts) == 0 {
		return nil, errors.New("a summary of no reports has no trace")
	}
	if len(s.parts) == 1 {
		return s.parts[0].trace()
	}
	var m *trace.Merger
	// As many at a time as there are processors: all at once would need
	// their memory twice.
	batch := make([]*trace.Trace, runtime.GOMAXPROCS(0))
	errs := make([]error, len(batch))
	for at := 0; at < len(s.parts); at += len(batch) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		parts := s.parts[at:min(at+len(batch), len(s.parts))]
		fan.Out(context.Background(), len(parts), len(parts), func(i int) { batch[i], errs[i] = parts[i].trace() })
		for i := range parts {
			if errs[i] != nil {
				return nil, errs[i]
			}
			if m == nil {
				// Ranks are much alike.
				m = trace.NewMerger(batch[i].Launches.Len() * len(s.parts))
			}
			m.Add(batch[i])
		}
	}
	return m.Trace(), nil
}

// Write writes the summary. It is an error if it is of no reports: a reader would
// take the file for a damaged one.
func (s *Summary) Write(w io.Writer) error {
	if len(s.parts) == 0 {
		return errors.New("a summary of no reports cannot be written")
	}
	head, err := headerMember(len(s.parts))
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	for i := range s.parts {
		if _, err := w.Write(s.parts[i].data); err != nil {
			return err
		}
	}
	return nil
}

// Read reads a summary. The error is an [*Error].
func Read(r io.Reader) (*Summary, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, &Error{Problem: err.Error(), Err: err}
	}
	return parse(data)
}

// ReadFile reads a summary from a file. The error is an [*Error].
func ReadFile(path string) (*Summary, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	s, err := parse(data)
	if err != nil {
		return nil, at(path, err)
	}
	return s, nil
}

// readFile reads a file that begins as a summary does.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	start := make([]byte, SniffLen)
	n, err := io.ReadFull(f, start)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, unreadable(path, err)
	}
	if start = start[:n]; !Is(start) {
		// Whatever it is may be large: do not read all of it.
		return nil, at(path, foreign(start, nil))
	}
	rest, err := io.ReadAll(f)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return append(start, rest...), nil
}

func unreadable(path string, err error) *Error {
	problem := err.Error()
	if e := (*os.PathError)(nil); errors.As(err, &e) {
		problem = e.Err.Error()
	}
	return &Error{Path: path, Problem: problem, Err: err}
}

// at says which file an error is about.
func at(path string, err error) error {
	if e := (*Error)(nil); errors.As(err, &e) {
		named := *e
		named.Path = path
		return &named
	}
	return err
}

// parse returns the summary in a file's bytes, which it keeps.
func parse(data []byte) (*Summary, error) {
	s := &Summary{}
	err := members(data, func(from, to int, k key) {
		s.parts = append(s.parts, part{k, data[from:to:to]})
	})
	if err != nil {
		return nil, err
	}
	// Canonical, should a program other than Merge have made it.
	s, _ = Merge(s)
	return s, nil
}

// SniffLen is how many bytes at the start of a file are enough for [Is].
const SniffLen = 512

// Is reports whether a file that begins with these bytes is a summary, of
// whatever schema, be it one that was decompressed, which reading it says.
func Is(start []byte) bool {
	if bytes.HasPrefix(start, []byte(sniffed)) {
		return true
	}
	r, err := newMemberReader(bytes.NewReader(start))
	if err != nil {
		return false
	}
	head := make([]byte, len(sniffed))
	_, err = io.ReadFull(r, head)
	return err == nil && string(head) == sniffed
}

// IsFile reports whether a file is a summary. The error is that of reading it.
// What is no regular file, such as a pipe, which opening would wait for, is not
// opened.
func IsFile(path string) (bool, error) {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false, err
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	start := make([]byte, SniffLen)
	n, err := io.ReadFull(f, start)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return false, err
	}
	return Is(start[:n]), nil
}
