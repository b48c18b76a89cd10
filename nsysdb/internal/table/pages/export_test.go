package pages

import (
	"context"
	"errors"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// Open opens a file and returns its Source.
func Open(ctx context.Context, path string) (table.Source, error) {
	file, err := OpenFile(path)
	if err != nil {
		return nil, err
	}
	s, err := New(ctx, path, file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return s, nil
}
