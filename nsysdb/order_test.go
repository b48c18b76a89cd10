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
	var all []row
	for _, correlation := range []int64{0, 1, 2} {
		for _, node := range []int64{0, 7, 8, 9} {
			for k := range int64(8) {
				all = append(all, row{correlation, node, 10 + k%2, 1 + k/2%2, 1 + k/4})
			}
		}
	}
	for _, copies := range []int{1, 100} {
		rows := slices.Repeat(all, copies)
		rng := rand.New(rand.NewPCG(1, uint64(copies)))
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
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
