package summary

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
)

// MergeFiles merges the summaries in files, as [Merge] does, and writes the
// result, whose reports it returns in order. It needs memory for the largest file
// and for a few hundred bytes of each report, and so goes for any number of them.
//
// The error is an [*Error], that of w, or that of the context.
func MergeFiles(ctx context.Context, w io.Writer, paths ...string) (merged []Report, duplicates []string, err error) {
	type place struct {
		key      key
		file     int
		from, to int
	}
	var places []place
	for i, path := range paths {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		data, err := readFile(path)
		if err != nil {
			return nil, nil, err
		}
		err = members(data, func(from, to int, k key) { places = append(places, place{k, i, from, to}) })
		if err != nil {
			return nil, nil, at(path, err)
		}
	}
	if len(places) == 0 {
		return nil, nil, &Error{Problem: "no summary to merge"}
	}
	places, duplicates = canonical(places, func(p *place) key { return p.key })
	head, err := headerMember(len(places))
	if err != nil {
		return nil, nil, err
	}
	buf := bufio.NewWriterSize(w, 1<<20)
	if _, err := buf.Write(head); err != nil {
		return nil, nil, err
	}
	for _, p := range places {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if err := copyPart(buf, paths[p.file], p.from, p.to); err != nil {
			return nil, nil, err
		}
		merged = append(merged, p.key.Report)
	}
	return merged, duplicates, buf.Flush()
}

// copyPart copies a part of a file.
func copyPart(w io.Writer, path string, from, to int) error {
	f, err := os.Open(path)
	if err != nil {
		return unreadable(path, err)
	}
	defer f.Close()
	n, err := io.Copy(w, io.NewSectionReader(f, int64(from), int64(to-from)))
	if err == nil && n < int64(to-from) {
		return at(path, damaged(errors.New("the file became shorter while it was read")))
	}
	return err
}
