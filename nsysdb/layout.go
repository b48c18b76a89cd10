package nsysdb

import (
	"context"
	"fmt"
	"math"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// A layout says under which names a report holds what nsysdb reads. Tables
// and columns are found by name, never by the version that the report claims
// or by their order, since both changed without notice. A name is "" where
// the report has no such table.
type layout struct {
	tables map[string]table.Table

	kernels     string
	calls       []string // CUDA API calls
	nvtx        string
	nodes       string // creations of CUDA graph nodes
	graphTraces string // CUDA graphs traced as a whole
	memcpys     string
	memsets     string
}

// null is what a NULL reads as in integer columns. No export holds it.
const null = math.MinInt64

// whole returns the integer that a value of a column is, null for a NULL.
func whole(v table.Value, name, column string) (int64, error) {
	if v.Kind == table.Null {
		return null, nil
	}
	n, ok := v.Whole()
	if !ok {
		return 0, fmt.Errorf("column %s of %s: %w", column, name, table.ErrNotInteger)
	}
	return n, nil
}

// first returns the first of the named tables that has all the columns.
func first(tables map[string]table.Table, columns []string, names ...string) string {
next:
	for _, name := range names {
		t, ok := tables[name]
		if !ok {
			continue
		}
		for _, c := range columns {
			if !t.Has(c) {
				continue next
			}
		}
		return name
	}
	return ""
}

// tableNames are the names of the tables that this package reads.
var tableNames = [...]string{
	"ANALYSIS_DETAILS",
	"CUDA_GRAPH_EVENTS",
	"CUDA_GRAPH_NODE_EVENTS",
	"CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL",
	"CUPTI_ACTIVITY_KIND_DRIVER",
	"CUPTI_ACTIVITY_KIND_GRAPH_TRACE",
	"CUPTI_ACTIVITY_KIND_KERNEL",
	"CUPTI_ACTIVITY_KIND_KERNEL_V2",
	"CUPTI_ACTIVITY_KIND_KERNEL_V3",
	"CUPTI_ACTIVITY_KIND_MEMCPY",
	"CUPTI_ACTIVITY_KIND_MEMSET",
	"CUPTI_ACTIVITY_KIND_RUNTIME",
	"DIAGNOSTIC_EVENT",
	"ENUM_CUDA_MEMCPY_OPER",
	"EXPORT_META_DATA",
	"META_DATA_CAPTURE",
	"META_DATA_EXPORT",
	"NVTX_EVENTS",
	"PROCESSES",
	"StringIds",
	"TARGET_INFO_CUDA_DEVICE",
	"TARGET_INFO_CUDA_GPU",
	"TARGET_INFO_GPU",
	"TARGET_INFO_SESSION_START_TIME",
	"TARGET_INFO_SYSTEM_ENV",
	"ThreadNames",
}

// kernelTables are the names that tables of kernels go by.
var kernelTables = [...]string{
	"CUPTI_ACTIVITY_KIND_KERNEL",
	"CUPTI_ACTIVITY_KIND_KERNEL_V3",
	"CUPTI_ACTIVITY_KIND_KERNEL_V2",
	"CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL",
}

// detect finds the tables, and refuses a database that is no export.
func (db *DB) detect(ctx context.Context, tables map[string]table.Table) error {
	l := &db.layout
	l.tables = tables

	for _, name := range kernelTables {
		t, ok := tables[name]
		if !ok {
			continue
		}
		for _, c := range []string{"start", "end", "deviceId", "streamId", "demangledName"} {
			if !t.Has(c) {
				return db.fail(Malformed, "table "+name+" has no column "+c+", which every known export has",
					"export it with another version of Nsight Systems")
			}
		}
		// Of several tables, take the first with rows.
		if n, err := db.src.count(ctx, name); err != nil {
			return err
		} else if l.kernels == "" || n > 0 {
			l.kernels, db.capture.Launches = name, n
		}
		if db.capture.Launches > 0 {
			break
		}
	}
	for _, name := range []string{"CUPTI_ACTIVITY_KIND_RUNTIME", "CUPTI_ACTIVITY_KIND_DRIVER"} {
		if name := first(tables, []string{"start", "globalTid", "correlationId"}, name); name != "" {
			l.calls = append(l.calls, name)
		}
	}
	l.nvtx = first(tables, []string{"start", "end", "eventType", "globalTid"}, "NVTX_EVENTS")
	// Schemas 3.0 to 3.7 call the table of nodes CUDA_GRAPH_EVENTS; later
	// ones use that name for graphs as such, and have no column graphNodeId.
	l.nodes = first(tables, []string{"start", "globalTid", "graphNodeId"}, "CUDA_GRAPH_NODE_EVENTS", "CUDA_GRAPH_EVENTS")
	l.graphTraces = first(tables, []string{"start", "end"}, "CUPTI_ACTIVITY_KIND_GRAPH_TRACE")
	l.memcpys = first(tables, []string{"start", "end", "bytes", "copyKind"}, "CUPTI_ACTIVITY_KIND_MEMCPY")
	l.memsets = first(tables, []string{"start", "end", "bytes"}, "CUPTI_ACTIVITY_KIND_MEMSET")

	if l.kernels != "" || len(l.calls) > 0 || l.nvtx != "" {
		return nil
	}
	_, strings := tables["StringIds"]
	_, session := tables["TARGET_INFO_SESSION_START_TIME"]
	_, analysis := tables["ANALYSIS_DETAILS"]
	switch {
	case session || analysis:
		return nil // sound, with neither CUDA nor NVTX: DB.Usable says so
	case strings:
		return db.fail(Partial, "is a partial export: it holds strings and no events",
			"the export was interrupted or the report is damaged; export it again: `nsys export --type sqlite --force-overwrite true NAME.nsys-rep`")
	}
	return db.fail(NotExport, "an SQLite database, but not an export of Nsight Systems", exportHint("NAME.nsys-rep"))
}

// A columns is the columns to read of one table, and where each is in a row.
type columns struct {
	table table.Table
	names []string
}

func (l *layout) columns(name string) *columns { return &columns{table: l.tables[name]} }

// need adds a column and returns its place in a row, -1 if the table has none
// of that name.
func (c *columns) need(name string) int {
	if !c.table.Has(name) {
		return -1
	}
	c.names = append(c.names, name)
	return len(c.names) - 1
}
