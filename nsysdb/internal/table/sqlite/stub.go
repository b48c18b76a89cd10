//go:build !cgo

package sqlite

import (
	"context"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// Open returns ErrNoSQLite.
func Open(context.Context, string) (table.Source, error) { return nil, ErrNoSQLite }
