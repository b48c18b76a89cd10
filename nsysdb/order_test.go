//go:build cgo

package nsysdb_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestOrderOfIssue shuffles launches that are equal in all but one thing, and
// expects the documented order whatever the order of the rows, in one batch and
// in many.
func TestOrderOfIssue(t *testing.T) {
	type row struct {
		correlation, node     int64 // 0 for NULL
		start, name, duration int64
	}
	made := map[int64]int64{7: 5, 8: 1, 9: 5} // when each node was
	last := func(x int64) int64 {             // NULL comes last
		if x == 0 {
			return 1 << 62
		}
		return x
	}
	nodes := func(a, b row) int {
		return cmp.Or(cmp.Compare(last(made[a.node]), last(made[b.node])), cmp.Compare(last(a.node), last(b.node)))
	}
	issue := func(a, b row) int {
		c := cmp.Compare(last(a.correlation), last(b.correlation))
		if c == 0 && a.correlation != 0 {
			c = nodes(a, b)
		}
		return cmp.Or(c, cmp.Compare(a.start, b.start), cmp.Compare(a.name, b.name), nodes(a, b), cmp.Compare(a.duration, b.duration))
	}
	// rows returns launches of so many calls, and of none.
	rows := func(calls int64) (all []row) {
		for correlation := range 1 + calls {
			for _, node := range []int64{0, 7, 8, 9} {
				for k := range int64(8) {
					all = append(all, row{correlation, node, 10 + k%2, 1 + k/2%2, 1 + k/4})
				}
			}
		}
		for k := range 4 * calls { // without a call, in another order than the last and first of two nodes in one
			all = append(all, row{0, 7, 20 + 2*k, 1, 1}, row{0, 8, 21 + 2*k, 2, 1})
		}
		return all
	}
	shuffle := func(rng *rand.Rand, rows []row) {
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	}
	// Here and there two that follow each other change places, so that most
	// batches are in order but for one pair.
	swap := func(rng *rand.Rand, rows []row) {
		slices.SortFunc(rows, issue)
		for range len(rows) / 300 {
			i := 1 + rng.IntN(len(rows)-1)
			rows[i-1], rows[i] = rows[i], rows[i-1]
		}
	}
	for _, c := range []struct {
		rows []row
		mix  func(*rand.Rand, []row)
	}{{rows(2), shuffle}, {slices.Repeat(rows(2), 100), shuffle}, {slices.Repeat(rows(2), 100), swap}, {rows(600), swap}} {
		rows := c.rows
		c.mix(rand.New(rand.NewPCG(1, uint64(len(rows)))), rows)
		var values []string
		null := func(x int64) string {
			if x == 0 {
				return "NULL"
			}
			return fmt.Sprint(x)
		}
		for _, r := range rows {
			values = append(values, fmt.Sprintf("(%d, %d, 0, 1, 7, %s, %d, %d, %[5]d, %s)", r.start, r.start+r.duration, null(r.correlation), r.name, global(1, 0), null(r.node)))
		}
		statements := []string{"PRAGMA page_size = 512", kernels3, names(), nodes3,
			`INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL (start, end, deviceId, contextId, streamId, correlationId, demangledName, globalPid, shortName, graphNodeId) VALUES ` + strings.Join(values, ", ")}
		for id, start := range made {
			statements = append(statements, node(global(1, 1), start, id, "NULL"))
		}
		path := makeReport(t, statements...)
		slices.SortFunc(rows, issue)
		for _, workers := range []int{1, 3} {
			db, err := nsysdb.Open(context.Background(), path, nsysdb.Options{Workers: workers})
			if err != nil {
				t.Fatal(err)
			}
			tr, err := db.Read(context.Background(), nsysdb.Query{})
			if err != nil {
				t.Fatal(err)
			}
			db.Close()
			var got []row
			for i := range tr.Launches.Len() {
				r := row{start: tr.Launches.Start[i], name: int64(tr.Name(i)[1] - '0'), duration: tr.Launches.Duration(i)}
				if n := tr.LaunchNode(i); n != trace.None {
					r.node = int64(tr.Nodes[n].ID)
					r.correlation = int64(tr.Replays[tr.Launches.Origin[i]].Correlation)
				}
				got = append(got, r)
			}
			// A trace keeps no correlation id of a launch that no graph replayed,
			// and CUPTI's greatest for none.
			want := slices.Clone(rows)
			for i := range want {
				switch r := &want[i]; {
				case r.node == 0:
					r.correlation = 0
				case r.correlation == 0:
					r.correlation = 1<<32 - 1
				}
			}
			if d := gocmp.Diff(want, got, gocmp.AllowUnexported(row{})); d != "" {
				t.Fatalf("%d rows, %d workers: not in order of issue (-want +got):\n%s", len(rows), workers, d)
			}
		}
	}
}

// TestGraphLaunches: the launches that a graph replayed belong to one graph launch
// if they have one correlation id, those without an id too, whatever else lies
// before them.
func TestGraphLaunches(t *testing.T) {
	launch := func(start int64, correlation, node any) string {
		return fmt.Sprintf(`INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL (start, end, deviceId, contextId, streamId, correlationId, demangledName, globalPid, shortName, graphNodeId)
			VALUES (%d, %d, 0, 1, 7, %v, 1, %d, 1, %v)`, start, start+1, correlation, global(1, 0), node)
	}
	path := makeReport(t, kernels3, names(), nodes3, node(global(1, 1), 1, 7, "NULL"),
		launch(1, 0, 7), launch(2, 0, 7),
		launch(3, 4, 7), launch(4, 4, "NULL"), launch(5, 5, 7),
		launch(6, "NULL", "NULL"), launch(7, "NULL", 7), launch(8, "NULL", "NULL"), launch(9, "NULL", 7))
	db, err := nsysdb.Open(t.Context(), path, nsysdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tr, err := db.Read(t.Context(), nsysdb.Query{})
	if err != nil {
		t.Fatal(err)
	}
	none := uint32(trace.None)
	if d := gocmp.Diff([]uint32{0, 0, 1, none, 2, none, 3, none, 3}, tr.Launches.Origin); d != "" {
		t.Errorf("graph launch of each launch (-want +got):\n%s", d)
	}
	var ids []uint32
	for _, r := range tr.Replays {
		ids = append(ids, r.Correlation)
	}
	if d := gocmp.Diff([]uint32{0, 4, 5, 1<<32 - 1}, ids); d != "" {
		t.Errorf("correlation ids of graph launches (-want +got):\n%s", d)
	}
}
