package nsysdb

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/trace"
)

// Options are the options of [Open]. The zero value is the default.
type Options struct {
	// Workers is the number of goroutines that read; GOMAXPROCS if 0.
	Workers int
	// Ahead, if not nil, is what [DB.Read] will be asked for first. Of a small
	// report, unless memory operations are asked for, Open reads it while it waits
	// for SQLite, and Read returns it, without a call of Progress. Nothing else
	// changes: what is wrong is said by Open or Read as ever, and another query
	// is answered as if there were no Ahead.
	Ahead *Query
}

// A DB is an open report. Its methods may be called concurrently.
type DB struct {
	path    string
	workers int
	src     *source
	layout  layout
	said    description
	capture trace.Capture // what was said, and what the events show
	usable  error         // why Read refuses; nil if it does not
	ahead   atomic.Pointer[aheadRead]
}

// Open opens a report that Nsight Systems exported to SQLite and reads what it
// says about itself.
//
// What is wrong with a file is an [*Error]. A report that is sound but holds
// no launches, because CUDA was not traced, can be opened, so that its
// [trace.Capture] can be shown; see [DB.Usable].
//
// The context is that of opening alone.
//
// Open never changes the file or anything beside it. Other programs must not
// change the file while it is open; [DB.Read] notices if one did.
func Open(ctx context.Context, path string, opts Options) (*DB, error) {
	if err := probe(path); err != nil {
		return nil, err
	}
	db := &DB{path: path, workers: opts.Workers}
	var early *DB
	var describing error
	src, tables, err := openSource(ctx, path, tableNames[:], beside{
		scanner: func(src *source, tables map[string]table.Table) { early = openAhead(ctx, path, opts, src, tables) },
		lib: func(src *source, tables map[string]table.Table) {
			db.said, describing = describe(ctx, path, tables, src)
		},
	})
	if err != nil {
		return nil, explain(path, err)
	}
	db.src = src
	switch {
	case early.stands(src, db.said, describing):
		early.src = src
		return early, nil
	case src.lib == nil:
		db.said, describing = describe(ctx, path, tables, src)
	}
	if err := db.init(ctx, tables, describing); err != nil {
		src.Close()
		return nil, explain(path, err)
	}
	return db, nil
}

// init fills in a DB that has a source and, unless there was an error in describing,
// what the report says of itself.
func (db *DB) init(ctx context.Context, tables map[string]table.Table, describing error) (err error) {
	db.capture = db.said.capture
	if err := db.detect(ctx, tables); err != nil {
		return err
	}
	if describing != nil {
		return describing
	}
	if err := db.survey(ctx); err != nil {
		return err
	}
	db.usable, err = db.diagnose(ctx)
	return err
}

// Close closes the report.
func (db *DB) Close() error { return db.src.Close() }

// Capture returns what the report says about itself.
//
// GPUs are all of the machine's; those of a [trace.Trace] that DB.Read returns are
// those that its launches ran on, where the report tells. Launches is what the
// table's row numbers tell. GraphLaunches, Unattributed
// and Unresolved are counted by [DB.Read] and are 0 here, and Processes may be
// empty where an old report does not list them.
func (db *DB) Capture() trace.Capture { return db.capture }

// Usable returns why the report has no launches to read, nil if it has some.
// The error is an [*Error] whose Kind is [NoCUDA] or [NoKernels].
//
// A report whose CUDA graphs were traced as a whole is usable even if it
// holds no other launch: see trace.Capture.OpaqueGraphs.
func (db *DB) Usable() error { return db.usable }

func (db *DB) diagnose(ctx context.Context) (error, error) {
	c := &db.capture
	if c.Launches > 0 || c.OpaqueGraphs > 0 {
		return nil, nil
	}
	calls := int64(0)
	for _, name := range db.layout.calls {
		n, err := db.src.count(ctx, name)
		if err != nil {
			return nil, err
		}
		calls += n
	}
	if calls == 0 {
		problem := "holds no CUDA trace"
		if c.HasNVTX {
			problem = "holds NVTX ranges but no CUDA trace"
		}
		return db.fail(NoCUDA, problem, recordHint), nil
	}
	return db.fail(NoKernels, fmt.Sprintf("holds %d CUDA API calls but no kernels", calls),
		"if kernels run in worker processes that MPI spawns, profile those, or record with `nsys profile -t cuda,nvtx --sample=system-wide ...`;"+
			" otherwise the driver may be too old for the CUDA runtime (forward compatibility), or WSL2 may hide the GPU's counters"), nil
}
