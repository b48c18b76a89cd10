//go:build cgo

package nsysdb_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-sqlite3"

	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

// A dump is everything that a report holds, as every way to read it gives it.
type dump struct {
	Trace    *trace.Trace
	Launches nsysdb.Batch // all in one
	Calls    []nsysdb.APICall
	Ranges   []nsysdb.Range
	Nodes    []nsysdb.GraphNode
	MemOps   []nsysdb.MemOp
	Errors   map[string]string // by way to read
}

// dumpReport reads a report with the scanner or without.
func dumpReport(t *testing.T, path, scanner string, workers int) *dump {
	t.Helper()
	t.Setenv("NSYSDIFF_SCANNER", scanner)
	ctx := context.Background()
	d := &dump{Errors: map[string]string{}}
	note := func(way string, err error) {
		if err != nil {
			d.Errors[way] = err.Error()
		}
	}
	db, err := nsysdb.Open(ctx, path, nsysdb.Options{Workers: workers})
	if err != nil {
		note("Open", err)
		return d
	}
	defer db.Close()
	d.Trace, err = db.Read(ctx, nsysdb.Query{NVTX: true, MemOps: true})
	note("Read", err)
	var all nsysdb.Batch
	for b, err := range db.Launches(ctx, trace.Scope{}) {
		note("Launches", err)
		all.Start, all.Duration = append(all.Start, b.Start...), append(all.Duration, b.Duration...)
		all.Correlation, all.Node = append(all.Correlation, b.Correlation...), append(all.Node, b.Node...)
		all.Kernel = append(all.Kernel, b.Kernel...)
	}
	// How many come before an error is the reader's choice too.
	if d.Errors["Launches"] == "" {
		d.Launches = all
	}
	for c, err := range db.APICalls(ctx) {
		note("APICalls", err)
		d.Calls = append(d.Calls, c)
	}
	if d.Errors["APICalls"] != "" {
		d.Calls = nil
	}
	d.Ranges, err = db.Ranges(ctx)
	note("Ranges", err)
	d.Nodes, err = db.GraphNodes(ctx)
	note("GraphNodes", err)
	d.MemOps, err = db.MemOps(ctx, trace.Scope{})
	note("MemOps", err)
	return d
}

// shapeRows is the number of launches of a report of any shape: several
// batches of the scanner.
const shapeRows = 1000

// fillShape inserts the rows of a report into its tables: launches from calls,
// some of them from graphs, inside ranges. n runs from lo to hi.
func fillShape(lo, hi int) []string {
	p, tid := global(1, 0), global(1, 1)
	n := fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", lo, hi)
	return []string{
		n + fmt.Sprintf(`INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL(rowid, start, end, deviceId, contextId, streamId, correlationId, globalPid, demangledName, shortName, gridX, graphNodeId)
			SELECT i, 1000*i + 500, 1000*i + 600 + i %% 300, i %% 3, 1, 7, i, %d, 1 + i %% 9, 1 + i %% 9, i %% 20, CASE WHEN i %% 4 = 0 THEN 1 + i %% 40 END FROM n`, p),
		n + fmt.Sprintf("INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME(rowid, start, end, globalTid, correlationId, nameId) SELECT i, 1000*i, 1000*i + 9, %d, i, 1 FROM n", tid),
		n + fmt.Sprintf("INSERT INTO NVTX_EVENTS(rowid, start, end, eventType, text, globalTid) SELECT i, 1000*i - 5, 1000*i + 990, 59, 'range ' || i %% 50, %d FROM n", tid),
		n + fmt.Sprintf("INSERT INTO CUDA_GRAPH_NODE_EVENTS(rowid, start, end, globalTid, graphNodeId) SELECT i, 1000*i, 1000*i, %d, i FROM n", tid),
		n + "INSERT INTO CUPTI_ACTIVITY_KIND_MEMSET(rowid, start, end, bytes, deviceId, streamId) SELECT i, 1000*i, 1000*i + 5, i, 0, 7 FROM n",
		n + "INSERT INTO StringIds SELECT i + 100, 'text ' || i FROM n",
	}
}

const memsets3 = "CREATE TABLE CUPTI_ACTIVITY_KIND_MEMSET (start INTEGER NOT NULL, end INTEGER NOT NULL, bytes INTEGER, deviceId INTEGER, streamId INTEGER)"

// shapeTables makes the tables, with some text of their definition replaced.
func shapeTables(replace ...string) string {
	return strings.NewReplacer(replace...).Replace(strings.Join([]string{kernels3, calls3, nvtx3, nodes3, memsets3, names()}, ";\n"))
}

func reportOf(statements ...any) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		c := connect(t, path, "rwc")
		for _, s := range statements {
			switch s := s.(type) {
			case string:
				exec(t, c, s)
			case []string:
				exec(t, c, s...)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestShapes reads the same report in files of many shapes, those that the
// scanner reads and those that it leaves to SQLite before or in the middle of
// a table. Whichever reads, every way to read must give the same.
func TestShapes(t *testing.T) {
	rows := fillShape(1, shapeRows)
	small := "PRAGMA page_size = 512" // many batches
	path := filepath.Join(t.TempDir(), "r.sqlite")
	reportOf(shapeTables(), rows)(t, path)
	ordinary := dumpReport(t, path, "", 1)
	if len(ordinary.Errors) > 0 || ordinary.Trace.Launches.Len() != shapeRows || len(ordinary.Calls) != shapeRows || len(ordinary.Ranges) != shapeRows ||
		len(ordinary.Nodes) != shapeRows || len(ordinary.MemOps) != shapeRows || ordinary.Trace.Capture.GraphLaunches != shapeRows/4 {
		t.Fatalf("the ordinary report is not as made: %v", ordinary.Errors)
	}
	// late adds a column, whose default only SQLite knows, after the rows with
	// the greatest rowids were written: the scanner reads on until these.
	late := func(table, column, typ, value string) func(t *testing.T, path string) {
		def := column + " " + typ
		i := strings.Index(shapeTables(), "CREATE TABLE "+table)
		head, rest := shapeTables()[:i], shapeTables()[i:]
		first, after, _ := strings.Cut(rest, ")")
		for _, d := range []string{",\n\t\t" + def, ", " + def} {
			first = strings.Replace(first, d+" NOT NULL DEFAULT 0", "", 1)
			first = strings.Replace(first, d+" NOT NULL", "", 1)
			first = strings.Replace(first, d, "", 1)
		}
		if strings.Contains(first, def) || !strings.Contains(rest, def) {
			t.Fatalf("no column %s to leave out of %s", def, table)
		}
		insertLate := slices.Clone(fillShape(shapeRows-9, shapeRows))
		for i, s := range insertLate {
			if !strings.Contains(s, "INTO "+table+"(") && !strings.Contains(s, "INTO "+table+" ") {
				continue
			}
			// Of the columns named, the last is the one that does not exist yet.
			insertLate[i] = strings.Replace(s, ", "+column+")", ")", 1)
			k := strings.LastIndex(insertLate[i], ", ")
			f := strings.LastIndex(insertLate[i], " FROM n")
			insertLate[i] = insertLate[i][:k] + insertLate[i][f:]
		}
		return reportOf(small, head+first+")"+after, insertLate, fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s DEFAULT (%s)", table, def, value), fillShape(1, shapeRows-10))
	}

	for _, c := range []struct {
		name string
		make func(t *testing.T, path string)
		same bool   // as the ordinary report
		err  string // part of the error of some way to read
	}{
		{"small pages", reportOf(small, shapeTables(), rows), true, ""},
		{"large pages", reportOf("PRAGMA page_size = 65536", shapeTables(), rows), true, ""},
		{"auto-vacuum, after deletions", reportOf(small, "PRAGMA auto_vacuum = 1", shapeTables(), "CREATE TABLE x AS SELECT hex(zeroblob(100000)) AS y", rows, "DROP TABLE x"), true, ""},
		{"incremental auto-vacuum with a freelist", reportOf(small, "PRAGMA auto_vacuum = 2", shapeTables(), "CREATE TABLE x AS SELECT hex(zeroblob(100000)) AS y", rows, "DROP TABLE x"), true, ""},
		{"reserved bytes", func(t *testing.T, path string) {
			c := connect(t, path, "rwc")
			if err := c.SetFileControlInt("main", sqlite3.SQLITE_FCNTL_RESERVE_BYTES, 32); err != nil {
				t.Fatal(err)
			}
			exec(t, c, small, "VACUUM", shapeTables())
			exec(t, c, rows...)
			c.Close()
		}, true, ""},
		{"UTF-16", reportOf("PRAGMA encoding = 'UTF-16le'", shapeTables(), rows), true, ""},
		{"in WAL mode, without a log", reportOf("PRAGMA journal_mode = WAL", shapeTables(), rows), true, ""},
		{"a log that holds everything", func(t *testing.T, path string) {
			c := connect(t, path, "rwc") // stays open
			exec(t, c, "PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0", shapeTables())
			exec(t, c, rows...)
		}, true, ""},
		{"a journal that was kept, rolled back or done with", reportOf("PRAGMA journal_mode = PERSIST", shapeTables(), rows), true, ""},
		{"columns declared INT", reportOf(small, shapeTables("INTEGER", "INT"), rows), true, ""},
		{"columns declared as times and truth values", reportOf(small, shapeTables("start INTEGER", "start TIMESTAMP", "end INTEGER", "end DATETIME", "deviceId INTEGER", "deviceId BOOLEAN", "gridX INTEGER", "gridX DATE"), rows), true, ""},
		{"launches without rowids", reportOf(shapeTables("correlationId INTEGER, globalPid INTEGER, demangledName", "correlationId INTEGER PRIMARY KEY, globalPid INTEGER, demangledName",
			"graphNodeId INTEGER);\nCREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME", "graphNodeId INTEGER) WITHOUT ROWID;\nCREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME"), noRowid(rows)), true, ""},
		{"generated columns", reportOf(small, shapeTables("greenContextId INTEGER", "greenContextId INTEGER AS (start) STORED", "rangeId INTEGER", "rangeId INTEGER AS (start)",
			"returnValue INTEGER NOT NULL DEFAULT 0", "returnValue INTEGER AS (start)"), rows), true, ""},
		{"launches in a view", reportOf(small, shapeTables(), rows, "ALTER TABLE CUPTI_ACTIVITY_KIND_KERNEL RENAME TO k", "CREATE VIEW CUPTI_ACTIVITY_KIND_KERNEL AS SELECT * FROM k"), true, ""},
		{"views beside, of functions and tables that are not there", reportOf(small, shapeTables(), rows, "CREATE VIEW v AS SELECT no_such_function(start) FROM CUPTI_ACTIVITY_KIND_KERNEL",
			"CREATE VIEW w AS SELECT * FROM dropped", "CREATE VIEW x AS SELECT start FROM NVTX_EVENTS"), true, ""},
		{"launches in a view that is none", reportOf(small, shapeTables(), rows, "ALTER TABLE CUPTI_ACTIVITY_KIND_KERNEL RENAME TO k",
			"CREATE VIEW CUPTI_ACTIVITY_KIND_KERNEL AS SELECT no_such_function(start) FROM k"), false, "no such function"},
		{"a virtual table beside", reportOf(small, shapeTables(), rows, "CREATE VIRTUAL TABLE w USING rtree(id, lo, hi)"), true, ""},
		{"descending keys, indexes", reportOf(shapeTables("id INTEGER NOT NULL PRIMARY KEY", "id INTEGER NOT NULL PRIMARY KEY DESC"), rows, "CREATE INDEX i ON CUPTI_ACTIVITY_KIND_KERNEL(start DESC)"), true, ""},

		{"launches handed over in mid-table", late("CUPTI_ACTIVITY_KIND_KERNEL", "graphNodeId", "INTEGER", "8"), false, ""},
		{"API calls handed over in mid-table", late("CUPTI_ACTIVITY_KIND_RUNTIME", "nameId", "INTEGER", "2"), false, ""},
		{"ranges handed over in mid-table", late("NVTX_EVENTS", "globalTid", "INTEGER", fmt.Sprint(global(1, 1))), false, ""},
		{"graph nodes handed over in mid-table", late("CUDA_GRAPH_NODE_EVENTS", "graphNodeId", "INTEGER", "77"), false, ""},
		{"memory sets handed over in mid-table", late("CUPTI_ACTIVITY_KIND_MEMSET", "streamId", "INTEGER", "8"), false, ""},

		{"a start that is no integer, in mid-table", reportOf(small, shapeTables(), rows, "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET start = 'x' WHERE rowid = 700"), false, "a value is not an integer"},
		{"a device that is no integer, in mid-table", reportOf(small, shapeTables(), rows, "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET deviceId = 1.5 WHERE rowid = 700"), false, "a value is not an integer"},
		{"starts declared REAL", reportOf(small, shapeTables("start INTEGER", "start REAL"), rows), true, ""},
		{"devices declared REAL", reportOf(small, shapeTables("deviceId INTEGER", "deviceId REAL"), rows), true, ""},
		{"ranges and calls declared REAL", reportOf(small, shapeTables("eventType INTEGER", "eventType REAL", "globalTid INTEGER", "globalTid REAL", "textId INTEGER", "textId REAL",
			"domainId INTEGER", "domainId REAL", "correlationId INTEGER, nameId", "correlationId REAL, nameId"), rows), true, ""},
		{"a call's thread that is a text", reportOf(small, shapeTables(), rows, "UPDATE CUPTI_ACTIVITY_KIND_RUNTIME SET globalTid = 'x' WHERE rowid = 700"), false, "a value is not an integer"},
		{"a call's thread with a fraction", reportOf(small, shapeTables(), rows, "UPDATE CUPTI_ACTIVITY_KIND_RUNTIME SET globalTid = 0.5 WHERE rowid = 700"), false, "a value is not an integer"},
		{"a range's thread that is a text", reportOf(small, shapeTables(), rows, "UPDATE NVTX_EVENTS SET globalTid = 'x' WHERE rowid = 700"), false, "column globalTid of NVTX_EVENTS: a value is not an integer"},
		{"a range's thread that a real number does not hold", reportOf(small, shapeTables("globalTid INTEGER, endGlobalTid", "globalTid REAL, endGlobalTid"), rows,
			"UPDATE NVTX_EVENTS SET globalTid = 1 << 53 WHERE rowid = 700"), false, "column globalTid of NVTX_EVENTS: a value is not an integer"},
		{"a type of a range that has a fraction", reportOf(small, shapeTables(), rows, "UPDATE NVTX_EVENTS SET eventType = 59.5 WHERE rowid = 700"), false, "column eventType of NVTX_EVENTS: a value is not an integer"},
		{"a name of a range that is a text", reportOf(small, shapeTables(), rows, "UPDATE NVTX_EVENTS SET text = NULL, textId = 'x' WHERE rowid = 700"), false, "column textId of NVTX_EVENTS: a value is not an integer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "r.sqlite")
			c.make(t, path)
			want := dumpReport(t, path, "off", 1)
			if c.same {
				reference := *ordinary
				tr := *ordinary.Trace
				tr.Capture.Path = path
				reference.Trace = &tr
				if d := diffDumps(&reference, want); d != "" {
					t.Fatalf("SQLite reads another report (-ordinary +this):\n%.3000s", d)
				}
			}
			for _, e := range want.Errors {
				if c.err == "" || !strings.Contains(e, c.err) {
					t.Errorf("error %q, want %q", e, c.err)
				}
			}
			if c.err != "" && len(want.Errors) == 0 {
				t.Errorf("no error, want %q", c.err)
			}
			if d := diffDumps(want, dumpReport(t, path, "", 4)); d != "" {
				t.Errorf("(-SQLite +scanner):\n%.3000s", d)
			}
		})
	}
}

// noRowid drops the rowids from what is inserted into launches.
func noRowid(rows []string) []string {
	out := slices.Clone(rows)
	out[0] = strings.Replace(strings.Replace(out[0], "(rowid, ", "(", 1), "SELECT i, ", "SELECT ", 1)
	return out
}

func diffDumps(a, b *dump) string {
	return cmp.Diff(a, b, cmp.AllowUnexported(trace.Launches{}), ignoreLong)
}

// TestUnexpectedRows reads reports of which more or fewer launches are
// expected than there are: their number is an estimate.
func TestUnexpectedRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.sqlite")
	const rows = 14000 // enough for several workers
	c := connect(t, path, "rwc")
	exec(t, c, "PRAGMA page_size = 512", shapeTables())
	exec(t, c, fillShape(1, rows)[0], "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = end + 5000000000 WHERE rowid % 1000 = 7")
	c.Close()
	want := read(t, path, nsysdb.Query{})
	if want.Launches.Len() != rows {
		t.Fatalf("%d launches, want %d", want.Launches.Len(), rows)
	}
	for _, scanner := range []string{"", "off"} {
		for _, expected := range []int64{0, 1, rows / 2, rows - 1, rows + 1, 1 << 60} {
			t.Setenv("NSYSDIFF_SCANNER", scanner)
			db, err := nsysdb.Open(context.Background(), path, nsysdb.Options{Workers: 4})
			if err != nil {
				t.Fatal(err)
			}
			db.SetExpected(expected)
			got, err := db.Read(context.Background(), nsysdb.Query{})
			db.Close()
			if err != nil {
				t.Fatalf("%d expected: %v", expected, err)
			}
			if d := cmp.Diff(want, got, cmp.AllowUnexported(trace.Launches{}), ignoreLong); d != "" {
				t.Errorf("scanner %q, %d expected (-want +got):\n%.2000s", scanner, expected, d)
			}
			for i := range rows {
				if want.Launches.Duration(i) != got.Launches.Duration(i) {
					t.Fatalf("scanner %q, %d expected: launch %d takes %d ns, want %d", scanner, expected, i, got.Launches.Duration(i), want.Launches.Duration(i))
				}
			}
		}
	}
}

// TestSparseRows: row numbers that promise more launches than any file holds
// must not make room for them.
func TestSparseRows(t *testing.T) {
	path := makeReport(t, shapeTables(), strings.Join(fillShape(1, 5)[:1], ""), "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET rowid = 9000000000000000000 WHERE rowid = 5")
	for _, scanner := range []string{"", "off"} {
		t.Setenv("NSYSDIFF_SCANNER", scanner)
		if n := read(t, path, nsysdb.Query{}).Launches.Len(); n != 5 {
			t.Errorf("scanner %q: %d launches, want 5", scanner, n)
		}
	}
}

// TestChangedBeforeHandover changes a report after it was opened, and before
// SQLite is, for a table that the scanner does not read. SQLite would not know.
func TestChangedBeforeHandover(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "r.sqlite")
	reportOf(shapeTables("bytes INTEGER", "bytes INT", "graphNodeId INTEGER NOT NULL", "graphNodeId INT", "rangeId INTEGER", "rangeId INT"), fillShape(1, 50))(t, path)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range []struct {
		name string
		read func(db *nsysdb.DB) error
	}{
		{"MemOps", func(db *nsysdb.DB) error { _, err := db.MemOps(ctx, trace.Scope{}); return err }},
		{"GraphNodes", func(db *nsysdb.DB) error { _, err := db.GraphNodes(ctx); return err }},
		{"Ranges", func(db *nsysdb.DB) error { _, err := db.Ranges(ctx); return err }},
	} {
		path := write(t, "r.sqlite", content)
		db := open(t, path)
		c := connect(t, path, "rw")
		exec(t, c, "DELETE FROM CUPTI_ACTIVITY_KIND_MEMSET", "DELETE FROM CUDA_GRAPH_NODE_EVENTS", "DELETE FROM NVTX_EVENTS")
		c.Close()
		if err := way.read(db); err == nil {
			t.Errorf("%s: what is left of the rows was read without an error", way.name)
		} else {
			checkError(t, err, path, nsysdb.Busy, "changed the file", "wait")
		}
	}
}

// TestChangedInMidRead changes a report between two rows that are read of it:
// every way to read must say so.
func TestChangedInMidRead(t *testing.T) {
	original := filepath.Join(t.TempDir(), "r.sqlite")
	reportOf("PRAGMA page_size = 512", shapeTables(), fillShape(1, 20000)[:2])(t, original)
	content, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, scanner := range []string{"", "off"} {
		for _, way := range []struct {
			name string
			read func(db *nsysdb.DB, change func()) error
		}{
			{"Read", func(db *nsysdb.DB, change func()) error {
				_, err := db.Read(ctx, nsysdb.Query{Progress: func(int64, int64) { change() }})
				return err
			}},
			{"Launches", func(db *nsysdb.DB, change func()) error {
				for _, err := range db.Launches(ctx, trace.Scope{}) {
					if err != nil {
						return err
					}
					change()
				}
				return nil
			}},
			{"APICalls", func(db *nsysdb.DB, change func()) error {
				for _, err := range db.APICalls(ctx) {
					if err != nil {
						return err
					}
					change()
				}
				return nil
			}},
		} {
			t.Run(way.name+"/scanner="+scanner, func(t *testing.T) {
				t.Setenv("NSYSDIFF_SCANNER", scanner)
				path := write(t, "r.sqlite", content)
				db := open(t, path)
				changed := false
				err := way.read(db, func() {
					if !changed {
						changed = true
						// Appended to, as by an export that goes on.
						if err := os.Truncate(path, int64(len(content))+512); err != nil {
							t.Fatal(err)
						}
					}
				})
				checkError(t, err, path, nsysdb.Busy, "changed the file", "wait")
			})
		}
	}
}
