//go:build !cgo

package sqlite

import (
	"context"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// Available reports whether this build has SQLite.
const Available = false

// Open returns ErrNoSQLite.
func Open(context.Context, string) (table.Source, error) { return nil, ErrNoSQLite }
