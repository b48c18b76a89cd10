package gen

import (
	"cmp"
	"context"
	"database/sql/driver"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"

	"github.com/mattn/go-sqlite3"
)

// schema holds the tables and the fixed rows of an export, taken from
// testdata/dsa_e2e_gen_graph_node.sqlite.
//
//go:embed schema.sql
var schema string

// A writer writes the rows of a report in one transaction.
type writer struct {
	conn    *sqlite3.SQLiteConn
	kernels []stmt // by configuration
	copies  stmt
	sets    stmt
	nodes   stmt
	calls   stmt
	spans   stmt
	strings map[string]int64
}

type stmt struct {
	*sqlite3.SQLiteStmt
	args []driver.NamedValue
}

func create(path string) (*writer, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: "_journal=OFF&_sync=OFF&_mutex=no"}
	conn, err := new(sqlite3.SQLiteDriver).Open(uri.String())
	if err != nil {
		return nil, err
	}
	w := &writer{conn: conn.(*sqlite3.SQLiteConn), strings: map[string]int64{}}
	if err := w.exec("BEGIN; " + schema); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return w, nil
}

// close commits and closes.
func (w *writer) close() error {
	err := w.exec("COMMIT")
	return cmp.Or(err, w.conn.Close())
}

func (w *writer) exec(sql string, args ...driver.Value) error {
	_, err := w.conn.Exec(sql, args)
	return err
}

func (w *writer) prepare(sql string) (stmt, error) {
	s, err := w.conn.Prepare(sql)
	if err != nil {
		return stmt{}, err
	}
	st := stmt{s.(*sqlite3.SQLiteStmt), make([]driver.NamedValue, s.NumInput())}
	for i := range st.args {
		st.args[i].Ordinal = i + 1
	}
	return st, nil
}

func (s stmt) put(values ...int64) error {
	for i, v := range values {
		s.args[i].Value = v
	}
	_, err := s.ExecContext(context.Background(), s.args)
	return err
}

// id returns the id of a string. Ids start late and leave gaps, as real ones
// do.
func (w *writer) id(text string) (int64, error) {
	if id, ok := w.strings[text]; ok {
		return id, nil
	}
	id := int64(14 + 3*len(w.strings))
	w.strings[text] = id
	return id, w.exec("INSERT INTO StringIds VALUES(?, ?)", id, text)
}

// facts writes what the report says about itself and prepares for the rows.
func (w *writer) facts(o Options) error {
	mode := "eager"
	if o.Graph {
		mode = "graph"
	}
	err := cmp.Or(
		w.exec("INSERT INTO TARGET_INFO_SESSION_START_TIME VALUES(1767225600000000000, '2026-01-01T00:00:00', '2026-01-01T00:00:00')"),
		w.exec("INSERT INTO ANALYSIS_DETAILS VALUES(?, ?, ?, ?)", int64(1<<48), int64(1)<<62, int64(0), int64(1)<<62),
		w.exec("INSERT INTO TARGET_INFO_SYSTEM_ENV VALUES(?, 'Local (CLI)', 'NvDriverVersion', 205, '580.159.04'), (?, 'Local (CLI)', 'Hostname', 619, 'gpu-host')", int64(1<<48), int64(1<<48)),
		w.exec("INSERT INTO META_DATA_CAPTURE VALUES('PROCESS_0:COMMAND', './model'), ('PROCESS_0:ARGUMENT_0', ?), ('PROCESS_0:CUDA_GRAPH_TRACE_OPTIONS:MODE', 'Node')", mode),
	)
	for rank := range o.Processes {
		err = cmp.Or(err,
			w.exec("INSERT INTO PROCESSES VALUES(?, ?, './model')", globalPID(rank), pid(rank)),
			w.exec("INSERT INTO TARGET_INFO_GPU(vmId, id, name, totalMemory, smCount, chipName, cuDevice, computeMajor, computeMinor) VALUES(?, ?, 'NVIDIA H200', 150109880320, 132, 'GH100', ?, 9, 0)", int64(1<<48), int64(rank), int64(rank)),
			w.exec("INSERT INTO TARGET_INFO_CUDA_DEVICE VALUES(?, ?, ?)", int64(rank), int64(rank), pid(rank)),
			w.exec("INSERT INTO TARGET_INFO_CUDA_CONTEXT_INFO VALUES(7, 0, 1, ?, ?, 1, 0, 0)", pid(rank), int64(rank)),
		)
	}
	if err != nil {
		return err
	}
	return w.statements(o)
}

// statements prepares one statement per table, and for kernels one per
// configuration with what all its launches share written into it: binding is
// most of the time that a row takes.
func (w *writer) statements(o Options) (err error) {
	for _, k := range o.sequence() {
		if k.config < len(w.kernels) {
			continue
		}
		name, err1 := w.id(k.name)
		short, err2 := w.id(k.short)
		mangled, err3 := w.id(k.mangled)
		if err := cmp.Or(err1, err2, err3); err != nil {
			return err
		}
		executed := 32768
		if k.smem > 0 {
			executed = 233472
		}
		s, err := w.prepare(fmt.Sprintf(
			"INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES(?,?,?,1,0,?,?,?, %d,%d,%d,1,1, %d, %d,%d,%d, %d,%d,%d, 0,%d,0,155713536, ?,%d,nullif(?,0),0)",
			name, short, mangled, k.regs, k.grid[0], k.grid[1], k.grid[2], k.block[0], k.block[1], k.block[2], k.smem, executed))
		if err != nil {
			return err
		}
		w.kernels = append(w.kernels, s)
	}
	created, err := w.id("Graph Node Creation")
	if err != nil {
		return err
	}
	for _, p := range []struct {
		stmt *stmt
		sql  string
	}{
		{&w.copies, "INSERT INTO CUPTI_ACTIVITY_KIND_MEMCPY(start, end, deviceId, contextId, greenContextId, streamId, correlationId, globalPid, bytes, copyKind, srcKind, dstKind, copyCount) VALUES(?,?,?,1,0,?,?,?,?,1,1,2,1)"},
		{&w.sets, "INSERT INTO CUPTI_ACTIVITY_KIND_MEMSET VALUES(?,?,?,1,0,?,?,?,0,?,NULL,2)"},
		// Event class 77 is what the exporter gives to the creation of graph nodes.
		{&w.nodes, "INSERT INTO CUDA_GRAPH_NODE_EVENTS VALUES(?,?,77,?," + strconv.FormatInt(created, 10) + ",?,nullif(?,0))"},
		// Event class 0 is the runtime API, 1 the driver API.
		{&w.calls, "INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES(?,?,?,?,?,?,0,NULL)"},
		// Event type 59 is a push/pop range.
		{&w.spans, "INSERT INTO NVTX_EVENTS(start, end, eventType, text, globalTid, domainId) VALUES(?,?,59,?,?,0)"},
	} {
		if *p.stmt, err = w.prepare(p.sql); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) kernel(k kernel) error {
	return w.kernels[k.config].put(k.start, k.end, int64(k.rank), k.stream, k.correlation, globalPID(k.rank), k.grid, k.node)
}

func (w *writer) memOp(m memOp) error {
	s := w.copies
	if m.set {
		s = w.sets
	}
	return s.put(m.start, m.end, int64(m.rank), m.stream, m.correlation, globalPID(m.rank), m.bytes)
}

func (w *writer) node(n node) error {
	return w.nodes.put(n.start, n.start, globalTID(n.rank), n.id, n.original)
}

func (w *writer) call(c call) error {
	name, err := w.id(c.name)
	if err != nil {
		return err
	}
	class := int64(0)
	if c.name[2] != 'd' { // cuLaunchKernelEx, not cudaLaunchKernel
		class = 1
	}
	return w.calls.put(c.start, c.end, class, globalTID(c.rank), c.correlation, name)
}

func (w *writer) span(s span) error {
	args := w.spans.args
	args[0].Value, args[1].Value, args[2].Value, args[3].Value = s.start, s.end, s.text, globalTID(s.rank)
	_, err := w.spans.ExecContext(context.Background(), args)
	return err
}
