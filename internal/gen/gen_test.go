package gen_test

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3"

	"github.com/nsysdiff/nsysdiff/internal/gen"
)

func write(t *testing.T, o gen.Options) (path string, db *sql.DB) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "report.sqlite")
	if err := gen.Write(t.Context(), path, o); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return path, db
}

func TestWrite(t *testing.T) {
	big := gen.Options{Launches: 5000, Processes: 2, Streams: 3, Graph: true, MemOps: true}
	for _, c := range []struct {
		name string
		o    gen.Options
		sql  string
		want string
	}{
		{"default", gen.Options{}, "SELECT count(*) FROM CUPTI_ACTIVITY_KIND_KERNEL", "1000"},
		{"every launch has its call", big, `SELECT count(*) FROM CUPTI_ACTIVITY_KIND_KERNEL k WHERE 1 = (
			SELECT count(*) FROM CUPTI_ACTIVITY_KIND_RUNTIME r
			WHERE r.correlationId = k.correlationId AND r.globalTid & ~0xFFFFFF = k.globalPid AND r.start < k.start)`, "5000"},
		{"every replayed launch has its node", big, `SELECT count(*) FROM CUPTI_ACTIVITY_KIND_KERNEL k
			WHERE graphNodeId IS NOT NULL AND graphNodeId NOT IN (SELECT graphNodeId FROM CUDA_GRAPH_NODE_EVENTS)`, "0"},
		{"replays share their call", big, `SELECT max(n) FROM (SELECT count(*) AS n FROM CUPTI_ACTIVITY_KIND_KERNEL
			WHERE graphNodeId IS NOT NULL GROUP BY globalPid, correlationId)`, "137"},
		{"rows in order of start", big, `SELECT sum(start < before) FROM (
			SELECT start, lag(start) OVER (ORDER BY rowid) AS before FROM CUPTI_ACTIVITY_KIND_KERNEL)`, "0"},
		{"processes alike", big, `SELECT group_concat(n) FROM (SELECT count(*) AS n FROM CUPTI_ACTIVITY_KIND_KERNEL
			WHERE correlationId < 500 GROUP BY globalPid)`, "274,274"},
		{"memory operations", big, "SELECT (SELECT count(*) FROM CUPTI_ACTIVITY_KIND_MEMCPY) - (SELECT count(*) FROM CUPTI_ACTIVITY_KIND_MEMSET)", "0"},
		{"each tenth launch left out", gen.Options{Skip: 10}, "SELECT count(*) || ',' || sum(gridId % 10 = 0) FROM CUPTI_ACTIVITY_KIND_KERNEL", "1000,0"},
		{"no API", gen.Options{NoAPI: true}, "SELECT count(*) FROM CUPTI_ACTIVITY_KIND_RUNTIME", "0"},
		{"no NVTX", gen.Options{NoNVTX: true}, "SELECT count(*) FROM NVTX_EVENTS", "0"},
		{"sound", big, "PRAGMA integrity_check", "ok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, db := write(t, c.o)
			var got string
			if err := db.QueryRow(c.sql).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// The tables must be those of the exporter, to the letter.
func TestSchema(t *testing.T) {
	dump := func(path string) string {
		db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro&immutable=1")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var s string
		if err := db.QueryRow("SELECT group_concat(sql, char(10)) FROM (SELECT sql FROM sqlite_schema ORDER BY name)").Scan(&s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	path, _ := write(t, gen.Options{})
	want := dump("../../testdata/dsa_e2e_gen_graph_node.sqlite")
	if got := dump(path); got != want || !strings.Contains(got, "CUPTI_ACTIVITY_KIND_KERNEL") {
		t.Errorf("schema differs from the recorded one:\n%s", got)
	}
}

func TestDeterministic(t *testing.T) {
	read := func(o gen.Options) []byte {
		path, _ := write(t, o)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	a := read(gen.Options{Processes: 2, Graph: true, Seed: 7})
	if !bytes.Equal(a, read(gen.Options{Processes: 2, Graph: true, Seed: 7})) {
		t.Error("equal options, other bytes")
	}
	if bytes.Equal(a, read(gen.Options{Processes: 2, Graph: true, Seed: 8})) {
		t.Error("another seed, the same bytes")
	}
}
