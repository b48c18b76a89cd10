// Package ranktest makes the reports of a parallel job out of one recorded
// report, for tests: copies that differ as ranks do, in host, process, device
// and clock, and as much as a test asks for in pace and in what they launch.
package ranktest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver
)

// A Rank says how the report of one rank differs from the recording. The zero
// value is the recording itself.
type Rank struct {
	Host   string        // name of its host; as recorded if ""
	PID    int           // added to every process id
	Device int           // added to every CUDA device number
	Clock  time.Duration // added to every time

	// Slow stretches all times from the start of the capture: 1.5 is a GPU at
	// two thirds of the clock. 1 if 0.
	Slow float64
	// Noise shortens each launch by up to this part of its duration, as Seed
	// chooses: never more, so that launches of one stream do not overlap.
	Noise float64
	Seed  uint64

	// FirstLayer and EndLayer leave only these layers of each step, as a
	// pipeline stage runs them: what comes before the first layer of the model
	// goes with it, and what comes after the last. All layers if EndLayer is
	// 0.
	FirstLayer, EndLayer int

	// Keep is the part of the file to keep: a copy that broke off. All if 0.
	Keep float64
}

// Write writes the report of a rank, a changed copy of recording, to path,
// which must not exist.
func Write(ctx context.Context, recording, path string, r Rank) (err error) {
	if err := copyFile(recording, path); err != nil {
		return err
	}
	if err := r.change(ctx, path); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if r.Keep == 0 {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Truncate(path, int64(r.Keep*float64(info.Size())))
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

func (r Rank) change(ctx context.Context, path string) (err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: "mode=rw&_journal=OFF&_sync=OFF"}
	db, err := sql.Open("sqlite3", uri.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)

	e := &editor{ctx: ctx, db: db}
	if r.EndLayer != 0 {
		e.keepLayers(r.FirstLayer, r.EndLayer)
	}
	if r.Noise != 0 {
		e.shorten(r.Noise, r.Seed)
	}
	e.columns(func(table, column string) string {
		switch column {
		case "globalPid", "globalTid", "endGlobalTid":
			// The process id is bits 24 to 47.
			return fmt.Sprintf("%s + (%d << 24)", column, r.PID)
		case "pid", "processId":
			return fmt.Sprintf("%s + %d", column, r.PID)
		case "deviceId", "cudaId", "gpuId":
			return fmt.Sprintf("%s + %d", column, r.Device)
		case "id":
			if table == "TARGET_INFO_GPU" {
				return fmt.Sprintf("id + %d", r.Device)
			}
		case "start", "end", "timestamp", "startTime", "stopTime":
			if r.Slow != 0 && r.Slow != 1 {
				return fmt.Sprintf("CAST(round(%s * %g) AS INTEGER) + %d", column, r.Slow, r.Clock)
			}
			return fmt.Sprintf("%s + %d", column, r.Clock)
		}
		return ""
	})
	if r.Host != "" {
		e.exec("UPDATE TARGET_INFO_SYSTEM_ENV SET value = ? WHERE name = 'Hostname'", r.Host)
		e.exec("UPDATE META_DATA_EXPORT SET value = ? WHERE name = 'EXPORT_HOST'", r.Host)
		e.exec("UPDATE META_DATA_CAPTURE SET value = ? WHERE name = 'DEVICE_DISPLAY_NAME'", r.Host)
	}
	e.exec("VACUUM")
	return e.err
}

// An editor changes a report until the first error.
type editor struct {
	ctx context.Context
	db  *sql.DB
	err error
}

func (e *editor) exec(query string, args ...any) {
	if e.err != nil {
		return
	}
	if _, err := e.db.ExecContext(e.ctx, query, args...); err != nil {
		e.err = fmt.Errorf("%s: %w", query, err)
	}
}

// columns sets columns to the expressions that f gives for them, "" for those
// that keep their values.
func (e *editor) columns(f func(table, column string) string) {
	type key struct{ table, column string }
	var all []key
	e.rows("SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.rowid, c.cid",
		func(scan func(...any) error) error {
			var k key
			err := scan(&k.table, &k.column)
			all = append(all, k)
			return err
		})
	for i := 0; i < len(all); {
		table := all[i].table
		var sets []string
		for ; i < len(all) && all[i].table == table; i++ {
			if x := f(table, all[i].column); x != "" {
				sets = append(sets, all[i].column+" = "+x)
			}
		}
		if sets != nil {
			e.exec("UPDATE " + table + " SET " + strings.Join(sets, ", "))
		}
	}
}

// rows calls f for each row of a query.
func (e *editor) rows(query string, f func(scan func(...any) error) error, args ...any) {
	if e.err != nil {
		return
	}
	rows, err := e.db.QueryContext(e.ctx, query, args...)
	if err != nil {
		e.err = fmt.Errorf("%s: %w", query, err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		if e.err = f(rows.Scan); e.err != nil {
			return
		}
	}
	e.err = rows.Err()
}

// shorten takes up to part of its duration off each launch. Which launch loses
// how much is a hash of its row.
func (e *editor) shorten(part float64, seed uint64) {
	// SplitMix64's multiplier, cut to what SQLite multiplies without overflow.
	hash := fmt.Sprintf("((rowid + %d) * 2654435769 & 65535) / 65536.0", seed%(1<<16)*7919)
	e.exec("UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = end - CAST((end - start) * ? * "+hash+" AS INTEGER)", part)
}

// keepLayers deletes launches, calls and ranges of other layers than first to
// end-1. A step is a range right around ranges "layer 0" to "layer N".
func (e *editor) keepLayers(first, end int) {
	type span struct{ from, to int64 }
	var drop []span
	const steps = `
		SELECT s.start, s.end, count(*),
			max(CASE l.text WHEN ? THEN l.start END), max(CASE l.text WHEN ? THEN l.end END)
		FROM NVTX_EVENTS s JOIN NVTX_EVENTS l
			ON l.globalTid = s.globalTid AND l.start >= s.start AND l.end <= s.end AND l.text GLOB 'layer [0-9]*'
		WHERE s.text NOT GLOB 'layer [0-9]*'
		GROUP BY s.rowid ORDER BY s.start`
	e.rows(steps, func(scan func(...any) error) error {
		var from, to int64
		var layers int
		var firstStart, lastEnd sql.NullInt64
		if err := scan(&from, &to, &layers, &firstStart, &lastEnd); err != nil {
			return err
		}
		if !firstStart.Valid || !lastEnd.Valid {
			return fmt.Errorf("no layers %d to %d in a step of %d", first, end-1, layers)
		}
		if first > 0 {
			drop = append(drop, span{from, firstStart.Int64 - 1})
		}
		if end < layers {
			drop = append(drop, span{lastEnd.Int64 + 1, to})
		}
		return nil
	}, fmt.Sprintf("layer %d", first), fmt.Sprintf("layer %d", end-1))
	if e.err == nil && drop == nil {
		e.err = fmt.Errorf("no step with other layers than %d to %d", first, end-1)
	}
	for _, d := range drop {
		for _, table := range []string{"KERNEL", "MEMCPY", "MEMSET"} {
			e.exec("DELETE FROM CUPTI_ACTIVITY_KIND_"+table+` WHERE correlationId IN
				(SELECT correlationId FROM CUPTI_ACTIVITY_KIND_RUNTIME WHERE start BETWEEN ? AND ?)`, d.from, d.to)
		}
		e.exec("DELETE FROM CUPTI_ACTIVITY_KIND_RUNTIME WHERE start BETWEEN ? AND ?", d.from, d.to)
		e.exec("DELETE FROM NVTX_EVENTS WHERE start > ? AND end < ?", d.from, d.to)
	}
}
