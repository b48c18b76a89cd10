package nsysdb

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/trace"
)

// newestSchema is the newest major version of the export's schema that this
// package knows.
const newestSchema = 3

// A description is what the small tables of a report say of its capture.
type description struct {
	capture trace.Capture
	devices map[cudaDevice]int // the id of its GPU
}

// describe reads the small tables of a report. It may not be an export of Nsight Systems.
func describe(ctx context.Context, path string, tables map[string]table.Table, src *source) (description, error) {
	said := description{capture: trace.Capture{Path: path}}
	d := describer{ctx: ctx, tables: tables, read: src.metadata, description: &said, c: &said.capture}
	d.export()
	d.captureMeta()
	d.system()
	d.gpus()
	d.tellDevices()
	d.processes()
	d.clock()
	d.diagnostics()
	return said, d.err
}

// A describer reads the small tables that describe a capture. Its first error
// stays in err and makes the rest do nothing.
type describer struct {
	ctx    context.Context
	tables map[string]table.Table
	read   func(ctx context.Context, name string, columns []string, fn func([]table.Value) error) error
	*description
	c   *trace.Capture
	err error

	shift      int64 // of all times, in nanoseconds
	normalized bool  // to the Unix epoch
}

// rows calls fn with each row of a small table. A column that the table does not
// have reads as NULL.
func (d *describer) rows(name string, names []string, fn func(row []table.Value)) {
	t, ok := d.tables[name]
	if d.err != nil || !ok {
		return
	}
	var have []string
	place := make([]int, len(names))
	for i, n := range names {
		place[i] = -1
		if t.Has(n) {
			place[i] = len(have)
			have = append(have, n)
		}
	}
	if len(have) == 0 {
		return
	}
	row := make([]table.Value, len(names))
	d.err = d.read(d.ctx, name, have, func(r []table.Value) error {
		for i, p := range place {
			row[i] = table.Value{}
			if p >= 0 {
				row[i] = r[p]
			}
		}
		fn(row)
		return nil
	})
}

func str(v table.Value) string {
	switch v.Kind {
	case table.Text, table.Blob:
		return string(v.Bytes)
	case table.Integer:
		return strconv.FormatInt(v.Int, 10)
	}
	return ""
}

func num(v table.Value) int64 {
	if v.Kind == table.Text {
		n, _ := strconv.ParseInt(string(v.Bytes), 10, 64)
		return n
	}
	n, _ := v.Whole()
	return n
}

// export reads which program exported the report, and how. The table was called
// EXPORT_META_DATA in schemas 2.9 to 3.1 and META_DATA_EXPORT since 3.4;
// exports of 2020 and early 2021 have none.
func (d *describer) export() {
	for _, name := range []string{"META_DATA_EXPORT", "EXPORT_META_DATA"} {
		d.rows(name, []string{"name", "value"}, func(row []table.Value) {
			switch str(row[0]) {
			case "EXPORT_PRODUCT_VERSION":
				d.c.Tool = str(row[1])
			case "EXPORT_SCHEMA_VERSION":
				d.c.Schema = str(row[1])
			case "EXPORT_PARAM_TIME_SHIFT":
				d.shift = num(row[1])
			case "EXPORT_PARAM_TIME_NORMALIZE":
				d.normalized = str(row[1]) == "true"
			}
		})
	}
	major, _, _ := strings.Cut(d.c.Schema, ".")
	if n, err := strconv.Atoi(major); err == nil && n > newestSchema {
		d.c.Warnings = append(d.c.Warnings, fmt.Sprintf("its schema is version %s, newer than the newest known (%d): figures may be wrong", d.c.Schema, newestSchema))
	}
}

// captureMeta reads how the report was recorded.
func (d *describer) captureMeta() {
	var command string
	args := map[int]string{}
	d.rows("META_DATA_CAPTURE", []string{"name", "value"}, func(row []table.Value) {
		name, value := str(row[0]), str(row[1])
		_, key, ok := strings.Cut(name, "PROCESS_0:")
		switch {
		case !ok:
		case key == "COMMAND":
			command = value
		case key == "CUDA_GRAPH_TRACE_OPTIONS:MODE":
			d.c.GraphMode = strings.ToLower(value)
		case strings.HasPrefix(key, "ARGUMENT_"):
			if i, err := strconv.Atoi(key[len("ARGUMENT_"):]); err == nil {
				args[i] = value
			}
		}
	})
	words := []string{}
	if command != "" {
		words = append(words, shellQuote(command))
	}
	for i := range len(args) {
		if arg, ok := args[i]; ok {
			words = append(words, shellQuote(arg))
		}
	}
	d.c.Command = strings.Join(words, " ")
}

// system reads the driver's version and the host's name. The table also holds
// environment variables, which are nobody's business.
func (d *describer) system() {
	d.rows("TARGET_INFO_SYSTEM_ENV", []string{"name", "value"}, func(row []table.Value) {
		switch str(row[0]) {
		case "NvDriverVersion":
			d.c.Driver = str(row[1])
		case "Hostname":
			d.c.Host = str(row[1])
		}
	})
}

func (d *describer) processes() {
	d.rows("PROCESSES", []string{"globalPid", "pid", "name"}, func(r []table.Value) {
		id, ok := r[0].Whole()
		if !ok {
			return
		}
		p := trace.Process{GlobalPID: uint64(id), PID: int(num(r[1])), Name: str(r[2])}
		if r[1].Kind == table.Null {
			p.PID = pidOf(p.GlobalPID)
		}
		d.c.Processes = append(d.c.Processes, p)
	})
	if len(d.c.Processes) == 0 {
		d.rows("ThreadNames", []string{"globalTid"}, func(r []table.Value) {
			if id, ok := r[0].Whole(); ok {
				pid := processOf(uint64(id))
				d.c.Processes = append(d.c.Processes, trace.Process{GlobalPID: pid, PID: pidOf(pid)})
			}
		})
	}
	sortProcesses(&d.c.Processes)
}

func sortProcesses(p *[]trace.Process) {
	slices.SortStableFunc(*p, func(a, b trace.Process) int { return cmp.Compare(a.GlobalPID, b.GlobalPID) })
	*p = slices.CompactFunc(*p, func(a, b trace.Process) bool { return a.GlobalPID == b.GlobalPID })
}

// clock reads when the capture began and how long it took.
//
// Events are stamped in nanoseconds since the session began, unless the
// export was told to shift them, to the Unix epoch (--ts-normalize) or by a
// constant (--ts-shift). ANALYSIS_DETAILS.startTime is on another clock: the
// recorded reports hold events earlier than it and none later than duration.
func (d *describer) clock() {
	duration := int64(0)
	d.rows("TARGET_INFO_SESSION_START_TIME", []string{"utcEpochNs"}, func(r []table.Value) { d.c.StartUTC = num(r[0]) })
	d.rows("ANALYSIS_DETAILS", []string{"duration"}, func(r []table.Value) { duration = max(duration, num(r[0])) })
	d.c.Start = d.shift
	if d.normalized {
		d.c.Start += d.c.StartUTC
	}
	if duration > 0 {
		d.c.Stop = d.c.Start + duration
	}
}

// Severities of DIAGNOSTIC_EVENT, from ENUM_DIAGNOSTIC_SEVERITY_LEVEL: 1 is
// info and 4 verbose.
const (
	severityWarning = 2
	severityError   = 3
)

func (d *describer) diagnostics() {
	idle, busy := map[int64]bool{}, map[int64]bool{} // processes, by whether they collected CUDA events
	var quiet []trace.Diagnostic                     // what is said of the idle ones
	dropped := int64(0)                              // events, of all processes
	defer func() {
		if dropped > 0 {
			d.c.Diagnostics = append(d.c.Diagnostics, trace.Diagnostic{Severity: "warning",
				Text: fmt.Sprintf("%d CUDA events were dropped when profiling stopped: the last launches, or those of whole replays, may be missing", dropped)})
		}
		if len(busy) == 0 {
			d.c.Diagnostics = append(d.c.Diagnostics, quiet...)
		} else if len(idle) > 0 {
			d.c.Diagnostics = append(d.c.Diagnostics, trace.Diagnostic{Severity: "warning",
				Text: fmt.Sprintf("%d of %d processes collected no CUDA events: helpers of the framework, or workers that are missing here", len(idle), len(idle)+len(busy))})
		}
	}()
	d.rows("DIAGNOSTIC_EVENT", []string{"severity", "text", "globalPid"}, func(r []table.Value) {
		text := strings.Join(strings.Fields(str(r[1])), " ")
		if strings.HasPrefix(text, "Number of CUDA events collected:") {
			busy[num(r[2])] = true
		}
		if n := droppedEvents(text); n > 0 {
			dropped += n
			return
		}
		severity := ""
		switch num(r[0]) {
		case severityWarning:
			severity = "warning"
		case severityError:
			severity = "error"
		default:
			return
		}
		diagnostic := trace.Diagnostic{Severity: severity, Text: text}
		switch {
		case r[2].Kind == table.Null: // an export that does not say of which process
			d.c.Diagnostics = append(d.c.Diagnostics, diagnostic)
		case strings.HasPrefix(text, "No CUDA events collected"):
			idle[num(r[2])] = true
			fallthrough
		case strings.HasPrefix(text, "No NVTX events collected"), strings.HasPrefix(text, "CUDA profiling might have not been started"):
			// One process of several: its children and compilers say so too.
			quiet = append(quiet, diagnostic)
		default:
			d.c.Diagnostics = append(d.c.Diagnostics, diagnostic)
		}
	})
}

// droppedEvents returns the number in a message such as "Number of incomplete
// CUPTI events dropped: 12575. Incomplete events appear when GPU timestamp
// information have not been retrieved at the time the profiling session was
// stopped." Nsight Systems 2025.3 counts that among its information; in the
// recording that it is quoted from, of 900 graph launches 49 had no kernels and
// one had 225 of its 256. It returns 0 for any other text.
func droppedEvents(text string) int64 {
	rest, ok := strings.CutPrefix(text, "Number of incomplete CUPTI events dropped: ")
	if !ok {
		return 0
	}
	digits, _, _ := strings.Cut(rest, ".")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// survey fills in what the tables of events say of the capture.
func (db *DB) survey(ctx context.Context) error {
	if err := db.opaque(ctx); err != nil {
		return err
	}
	if err := db.nvtx(ctx); err != nil {
		return err
	}
	for _, name := range db.layout.calls {
		n, err := db.src.count(ctx, name)
		if err != nil {
			return err
		}
		db.capture.HasAPI = db.capture.HasAPI || n > 0
	}
	return nil
}

// opaque counts the CUDA graphs that were traced as a whole.
func (db *DB) opaque(ctx context.Context) error {
	name := db.layout.graphTraces
	if name == "" {
		return nil
	}
	return db.src.rows(ctx, name, []string{"start", "end"}, func(r []table.Value) error {
		db.capture.OpaqueGraphs++
		db.capture.OpaqueNS += max(0, num(r[1])-num(r[0]))
		return nil
	})
}

// nvtx tells whether the report holds ranges, which ends at the first.
func (db *DB) nvtx(ctx context.Context) error {
	name := db.layout.nvtx
	if name == "" {
		return nil
	}
	err := db.src.rows(ctx, name, []string{"eventType"}, func(r []table.Value) error {
		typ, err := whole(r[0], name, "eventType")
		if err != nil {
			return err
		}
		if isRange(typ) {
			db.capture.HasNVTX = true
			return errStop
		}
		return nil
	})
	if err == errStop {
		return nil
	}
	return err
}
