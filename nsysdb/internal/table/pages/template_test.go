package pages

import (
	"database/sql"
	"errors"
	"math"
	"path/filepath"
	"testing"

	_ "github.com/mattn/go-sqlite3" // the driver

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// TestTidy has more keys than a worker has templates for. It asks for all of them
// again once they have taken too much, and not where templates alone are dropped,
// which are then made for other records.
func TestTidy(t *testing.T) {
	const distinct = 10000
	path := filepath.Join(t.TempDir(), "db")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`CREATE TABLE t(a INTEGER, k);
		WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i < ? - 1) INSERT INTO t SELECT i, i FROM n`, distinct)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	opened, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	s := opened.(*Source)
	def, wanted, err := s.lookup("t", []string{"a", "k"})
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	opts := table.IntsOptions{Workers: 1, Keys: []string{"k"}, Key: func(_ int, row []table.Value) (uint32, error) {
		calls++
		return uint32(row[0].Int), nil
	}}
	var sc scan
	w := &worker{}
	if err := s.start(t.Context(), &sc, &w.reader, def, wanted, math.MaxInt, opts.Workers); err != nil {
		t.Fatal(err)
	}
	w.begin(&sc, 0, &opts)
	read := func() {
		t.Helper()
		for run, per := 0, sc.perRun(); run*per < sc.leaves.len(); run++ {
			if err := w.decode(run*per, min(run*per+per, sc.leaves.len())); err != nil {
				t.Fatal(err)
			}
			for i, k := range w.keys[:w.n] {
				if w.columns[0][i] != int64(k) {
					t.Fatalf("row %d has the key %d", w.columns[0][i], k)
				}
			}
		}
	}
	read()
	if calls != distinct || len(w.all) < 1000 || w.bare == 0 || w.bare != distinct-len(w.all)+1 {
		t.Fatalf("%d calls for %d keys, %d templates, %d records without", calls, distinct, len(w.all)-1, w.bare)
	}
	bare := w.bare
	if read(); w.bare != 2*bare || calls != distinct {
		t.Errorf("%d records without a template in two passes, %d in one; %d calls", w.bare, bare, calls)
	}
	w.bare = refresh + 1
	w.round = 7
	if read(); w.round != 8 || w.bare != bare || calls != distinct {
		t.Errorf("round %d, %d records without a template, %d calls", w.round, w.bare, calls)
	}
	w.keyBytes = maxKeyBytes + 1
	if read(); calls != 2*distinct || w.bare != bare {
		t.Errorf("%d calls for %d keys that were forgotten once, %d records without a template", calls, distinct, w.bare)
	}
}
