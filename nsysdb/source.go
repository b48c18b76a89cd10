package nsysdb

import (
	"context"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/sqlite"
)

// openSource opens what reads the file's tables.
func openSource(ctx context.Context, path string) (table.Source, error) {
	return sqlite.Open(ctx, path)
}
