//go:build cgo

package nsysdb_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nsysdiff/nsysdiff/nsysdb"
)

// TestNothingStaysOpen: of an Open that fails, wherever it does, nothing is left: no
// open file, and no temporary copy.
func TestNothingStaysOpen(t *testing.T) {
	const kernels = "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, end INTEGER, deviceId INTEGER, streamId INTEGER, demangledName INTEGER)"
	rename := func(from, to string) string {
		return "UPDATE sqlite_schema SET sql = replace(sql, '" + from + "', '" + to + "')"
	}
	logged := filepath.Join(t.TempDir(), "r.sqlite")
	exec(t, connect(t, logged, "rwc"), "PRAGMA journal_mode = WAL", "CREATE TABLE other (a)")
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	for reason, path := range map[string]string{
		"no export":                          makeReport(t, "CREATE TABLE other (a)"),
		"no export, with a log":              logged,
		"a damaged schema":                   makeReport(t, kernels, "PRAGMA writable_schema = ON", rename("(", "[")),
		"a damaged name":                     makeReport(t, kernels, nvtx3, "PRAGMA writable_schema = ON", rename("NVTX", "nVTX")),
		"a view that cannot be":              makeReport(t, kernels, "CREATE VIEW NVTX_EVENTS AS SELECT no_such_function(1) AS start"),
		"a missing column":                   makeReport(t, "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER)"),
		"a value that SQLite cannot compute": makeReport(t, kernels, "CREATE VIEW PROCESSES AS SELECT abs(-9223372036854775808) AS globalPid"),
	} {
		before := openFiles(t)
		const tries = 5
		for range tries {
			db, err := nsysdb.Open(context.Background(), path, nsysdb.Options{})
			if err == nil {
				db.Close()
				t.Fatalf("%s: no error", reason)
			}
		}
		for k := range 3 {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(time.Duration(k)*100*time.Microsecond, cancel)
			if db, err := nsysdb.Open(ctx, recorded, nsysdb.Options{}); err == nil {
				db.Close()
			}
		}
		if after := openFiles(t); after >= before+tries {
			t.Errorf("%s: %d files are open, %d were before", reason, after, before)
		}
	}
	if left := listing(t, tmp); len(left) > 0 {
		t.Errorf("left in the temporary directory: %v", left)
	}
}

// openFiles returns how many files this process has open.
func openFiles(t *testing.T) int {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err) // another system
	}
	return len(files)
}
