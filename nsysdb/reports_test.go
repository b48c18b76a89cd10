//go:build cgo

package nsysdb_test

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

// Everything in this file holds what nsysdb reads against what SQLite computes
// by itself from the recorded reports.

type figures struct{ N, Sum, Min, Max int64 }

func TestKernelsEqualSQL(t *testing.T) {
	for _, file := range kernelReports(t) {
		for _, scanner := range []string{"", "off"} {
			t.Run(filepath.Base(file)+"/scanner="+scanner, func(t *testing.T) {
				t.Setenv("NSYSDIFF_SCANNER", scanner)
				want := map[string]figures{}
				for _, r := range query(t, connect(t, file, "ro"), `
					SELECT s.value, count(*), sum(end - start), min(end - start), max(end - start)
					FROM CUPTI_ACTIVITY_KIND_KERNEL JOIN StringIds AS s ON s.id = demangledName GROUP BY 1`) {
					want[r[0].(string)] = figures{r[1].(int64), r[2].(int64), r[3].(int64), r[4].(int64)}
				}
				tr := read(t, file, nsysdb.Query{})
				got := map[string]figures{}
				for i := range tr.Launches.Len() {
					d := tr.Launches.Duration(i)
					f, ok := got[tr.Name(i)]
					if !ok {
						f.Min, f.Max = d, d
					}
					got[tr.Name(i)] = figures{f.N + 1, f.Sum + d, min(f.Min, d), max(f.Max, d)}
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("figures by name (-SQL +nsysdb):\n%s", d)
				}
			})
		}
	}
}

func TestLaunchesEqualSQL(t *testing.T) {
	for _, file := range kernelReports(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var want []string
			for _, r := range query(t, connect(t, file, "ro"), `
				SELECT d.value, s.value, m.value, start, end - start, deviceId, contextId, streamId, globalPid,
					gridX, gridY, gridZ, blockX, blockY, blockZ, staticSharedMemory + dynamicSharedMemory, registersPerThread
				FROM CUPTI_ACTIVITY_KIND_KERNEL JOIN StringIds AS d ON d.id = demangledName JOIN StringIds AS s ON s.id = shortName
					JOIN StringIds AS m ON m.id = mangledName
				ORDER BY globalPid, deviceId, correlationId, graphNodeId, start`) {
				want = append(want, fmt.Sprint(r))
			}
			tr := read(t, file, nsysdb.Query{})
			var got []string
			for i := range tr.Launches.Len() {
				c, l := tr.LaunchConfig(i), tr.LaunchLane(i)
				got = append(got, fmt.Sprint([]any{tr.Name(i), tr.Strings[c.Short], tr.Strings[c.Mangled],
					tr.Launches.Start[i], tr.Launches.Duration(i), l.Device, l.Context, l.Stream, l.GlobalPID,
					c.Grid[0], c.Grid[1], c.Grid[2], c.Block[0], c.Block[1], c.Block[2], c.SMem, c.Regs}))
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("launches in issue order (-SQL +nsysdb):\n%s", d)
			}
		})
	}
}

// TestAttributionEqualSQL computes the innermost range of every launch by SQL
// alone, slowly.
func TestAttributionEqualSQL(t *testing.T) {
	const innermost = `(SELECT n.rowid FROM NVTX_EVENTS AS n WHERE n.eventType = 59 AND n.globalTid = %[1]s.globalTid
		AND n.start <= %[1]s.start AND %[1]s.start < n.end ORDER BY n.start DESC LIMIT 1)`
	const name = `(SELECT coalesce(text, (SELECT value FROM StringIds WHERE id = textId)) || '@' || start FROM NVTX_EVENTS WHERE rowid = %s)`
	for _, file := range kernelReports(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c := connect(t, file, "ro")
			captured := "NULL"
			join := ""
			if !hasTable(t, c, "NVTX_EVENTS") {
				t.Skip("no ranges")
			}
			if hasTable(t, c, "CUDA_GRAPH_NODE_EVENTS") {
				captured = fmt.Sprintf(name, fmt.Sprintf(innermost, "o"))
				join = `LEFT JOIN CUDA_GRAPH_NODE_EVENTS AS e ON e.graphNodeId = k.graphNodeId AND e.globalTid & ~0xFFFFFF = k.globalPid AND e.originalGraphNodeId IS NOT NULL
					LEFT JOIN CUDA_GRAPH_NODE_EVENTS AS o ON o.graphNodeId = e.originalGraphNodeId AND o.globalTid & ~0xFFFFFF = k.globalPid AND o.originalGraphNodeId IS NULL`
			}
			rows := query(t, c, fmt.Sprintf(`SELECT %s, %s FROM CUPTI_ACTIVITY_KIND_KERNEL AS k
				JOIN CUPTI_ACTIVITY_KIND_RUNTIME AS r ON r.correlationId = k.correlationId AND r.globalTid & ~0xFFFFFF = k.globalPid
				%s ORDER BY k.globalPid, k.deviceId, k.correlationId, k.graphNodeId, k.start`, fmt.Sprintf(name, fmt.Sprintf(innermost, "r")), captured, join))
			tr := read(t, file, nsysdb.Query{NVTX: true})
			if len(rows) != tr.Launches.Len() {
				t.Fatalf("SQL attributes %d launches of %d", len(rows), tr.Launches.Len())
			}
			label := func(r uint32) any {
				if r == trace.None {
					return nil
				}
				return fmt.Sprintf("%s@%d", tr.Strings[tr.Ranges[r].Name], tr.Ranges[r].Start)
			}
			for i, want := range rows {
				got := []any{label(tr.IssueRange(i)), label(tr.CaptureRange(i))}
				if got[0] != want[0] || got[1] != want[1] {
					t.Fatalf("launch %d: SQL says %v, nsysdb %v", i, want, got)
				}
			}
			if tr.Capture.Unattributed != 0 {
				t.Errorf("Unattributed = %d, want 0: the report holds every call and node", tr.Capture.Unattributed)
			}
		})
	}
}

// TestGraphModules checks what the graph capture of a report of 8 layers must
// say: each replay runs the same kernels of each layer and module.
func TestGraphModules(t *testing.T) {
	tr := read(t, "../testdata/dsa_e2e_gen_graph_node.sqlite", nsysdb.Query{NVTX: true})
	if got := tr.Capture.GraphLaunches; got != 20*177 {
		t.Errorf("GraphLaunches = %d, want 20 replays of 177 kernels", got)
	}
	want := map[string]int{"capture/lm_head": 20}
	for layer := range 8 {
		l := fmt.Sprintf("capture/layer %d", layer)
		want[l] = 20
		want[l+"/self_attn"] = 20 * 8
		want[l+"/self_attn/indexer"] = 20 * 6
		want[l+"/mlp"] = 20 * 7
	}
	got := map[string]int{}
	steps := map[string]int{}
	for i := range tr.Launches.Len() {
		if tr.LaunchNode(i) == trace.None {
			continue
		}
		got[path(tr, tr.CaptureRange(i))]++
		steps[path(tr, tr.IssueRange(i))]++
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("replayed launches by range at capture (-want +got):\n%s", d)
	}
	if len(steps) != 20 {
		t.Errorf("replays in %d ranges, want 20: %v", len(steps), steps)
	}
	for step, n := range steps {
		if n != 177 || !strings.HasPrefix(step, "[Executor] _forward_step ") {
			t.Errorf("%d launches in %q, want 177 in each executor step", n, step)
		}
	}
	if len(tr.Nodes) != 177 || len(tr.Replays) != 20 {
		t.Errorf("%d nodes and %d replays, want 177 and 20", len(tr.Nodes), len(tr.Replays))
	}
	for i, n := range tr.Nodes {
		if n.Order != uint32(i) {
			t.Errorf("node %d has Order %d: there is one graph", i, n.Order)
			break
		}
	}
}

func TestMemOpsEqualSQL(t *testing.T) {
	type sum struct{ N, Sum, Bytes int64 }
	for _, file := range kernelReports(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c := connect(t, file, "ro")
			want := map[string]sum{}
			queries := []string{`SELECT '[CUDA memset]', count(*), sum(end - start), sum(bytes) FROM CUPTI_ACTIVITY_KIND_MEMSET GROUP BY 1`,
				`SELECT '[CUDA memcpy ' || label || ']', count(*), sum(end - start), sum(bytes)
				FROM CUPTI_ACTIVITY_KIND_MEMCPY JOIN ENUM_CUDA_MEMCPY_OPER AS e ON e.id = copyKind GROUP BY 1`}
			for _, q := range queries {
				if name := regexp.MustCompile("CUPTI_ACTIVITY_KIND_[A-Z]+").FindString(q); !hasTable(t, c, name) {
					continue
				}
				for _, r := range query(t, c, q) {
					want[r[0].(string)] = sum{r[1].(int64), r[2].(int64), r[3].(int64)}
				}
			}
			tr := read(t, file, nsysdb.Query{MemOps: true})
			got := map[string]sum{}
			for _, op := range tr.MemOps {
				s := got[tr.Strings[op.Name]]
				got[tr.Strings[op.Name]] = sum{s.N + 1, s.Sum + op.Duration, s.Bytes + op.Bytes}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("figures by name (-SQL +nsysdb):\n%s", d)
			}
			if !slices.IsSortedFunc(tr.MemOps, func(a, b trace.MemOp) int { return int(a.Start - b.Start) }) {
				t.Error("MemOps are not in order of start")
			}
			ops, err := open(t, file).MemOps(context.Background(), trace.Scope{})
			if err != nil || len(ops) != len(tr.MemOps) {
				t.Errorf("DB.MemOps: %d operations, %v, want %d", len(ops), err, len(tr.MemOps))
			}
		})
	}
}

func TestIterators(t *testing.T) {
	ctx := context.Background()
	for _, file := range reports(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c := connect(t, file, "ro")
			db := open(t, file)
			count := func(table string) int64 {
				if name, _, _ := strings.Cut(table, " "); !hasTable(t, c, name) {
					return 0
				}
				return query(t, c, "SELECT count(*) FROM "+table)[0][0].(int64)
			}
			calls := int64(0)
			for _, err := range db.APICalls(ctx) {
				if err != nil {
					t.Fatal(err)
				}
				calls++
			}
			if want := count("CUPTI_ACTIVITY_KIND_RUNTIME"); calls != want {
				t.Errorf("%d API calls, want %d", calls, want)
			}
			nodes, err := db.GraphNodes(ctx)
			if want := count("CUDA_GRAPH_NODE_EVENTS"); err != nil || int64(len(nodes)) != want {
				t.Errorf("%d graph nodes, %v, want %d", len(nodes), err, want)
			}
			ranges, err := db.Ranges(ctx)
			if want := count("NVTX_EVENTS WHERE eventType IN (59, 60)"); err != nil || int64(len(ranges)) != want {
				t.Errorf("%d ranges, %v, want %d", len(ranges), err, want)
			}
			if db.Usable() != nil {
				return
			}
			n := int64(0)
			var names []string
			for b, err := range db.Launches(ctx, trace.Scope{}) {
				if err != nil {
					t.Fatal(err)
				}
				n += int64(len(b.Start))
				for _, k := range b.Kernel {
					names = append(names, k.Name)
				}
			}
			if want := count("CUPTI_ACTIVITY_KIND_KERNEL"); n != want {
				t.Errorf("%d launches, want %d", n, want)
			}
			var want []string
			for _, r := range query(t, c, "SELECT value FROM CUPTI_ACTIVITY_KIND_KERNEL AS k JOIN StringIds AS s ON s.id = demangledName ORDER BY k.rowid") {
				want = append(want, r[0].(string))
			}
			if d := cmp.Diff(want, names); d != "" {
				t.Errorf("names in order of rows (-SQL +nsysdb):\n%s", d)
			}
			for range db.Launches(ctx, trace.Scope{}) {
				break // must not go on, nor panic
			}
		})
	}
}

func TestCapture(t *testing.T) {
	got := open(t, "../testdata/dsa_e2e_gen_graph_node.sqlite").Capture()
	want := trace.Capture{
		Path: "../testdata/dsa_e2e_gen_graph_node.sqlite", Tool: "2025.3.2.0", Schema: "3.20.3", Host: "gpu-host", Driver: "580.159.04",
		Command: "./dsa --gen --batch 32 --e2e --layers 8 --iters 20 --graph", GraphMode: "node",
		StartUTC: 1795463255673957023, Start: 0, Stop: 1081477027,
		GPUs:      []trace.GPU{{ID: 0, Name: "NVIDIA H200", SMs: 132, Compute: "9.0", MemoryBytes: 150109880320, ClockRateKHz: 1980000}},
		Processes: []trace.Process{{GlobalPID: 281495646240768, PID: 1232, Name: "./dsa"}},
		Launches:  4071, HasNVTX: true, HasAPI: true,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Capture (-want +got):\n%s", d)
	}

	opaque := open(t, "../testdata/dsa_e2e_gen_graph_graph.sqlite").Capture()
	if opaque.GraphMode != "graph" || opaque.OpaqueGraphs != 20 || opaque.OpaqueNS != 94387427 {
		t.Errorf("graph-level trace: mode %q, %d opaque graphs of %d ns, want graph, 20 of 94387427", opaque.GraphMode, opaque.OpaqueGraphs, opaque.OpaqueNS)
	}
}

// TestDeterministic reads with several numbers of workers, with and without
// the scanner, and wants the same trace.
func TestDeterministic(t *testing.T) {
	for _, file := range kernelReports(t) {
		var want *trace.Trace
		for _, scanner := range []string{"", "off"} {
			for _, workers := range []int{1, 2, 7} {
				t.Setenv("NSYSDIFF_SCANNER", scanner)
				db, err := nsysdb.Open(context.Background(), file, nsysdb.Options{Workers: workers})
				if err != nil {
					t.Fatal(err)
				}
				got, err := db.Read(context.Background(), nsysdb.Query{NVTX: true, MemOps: true})
				if err != nil {
					t.Fatal(err)
				}
				db.Close()
				if want == nil {
					want = got
					continue
				}
				if d := cmp.Diff(want, got, cmp.AllowUnexported(trace.Launches{}), ignoreLong); d != "" {
					t.Errorf("%s: scanner %q, %d workers (-first +this):\n%s", file, scanner, workers, d)
				}
			}
		}
	}
}

// ignoreLong leaves out the durations of more than 4 s, of which the recorded
// reports have none.
var ignoreLong = cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".long" }, cmp.Ignore())

func TestScopeWhileReading(t *testing.T) {
	const file = "../testdata/llama_e2e_prefill.sqlite"
	c := connect(t, file, "ro")
	stream := int(query(t, c, "SELECT streamId FROM CUPTI_ACTIVITY_KIND_KERNEL GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")[0][0].(int64))
	at := query(t, c, "SELECT start FROM CUPTI_ACTIVITY_KIND_KERNEL ORDER BY 1 LIMIT 1 OFFSET 1000")[0][0].(int64)
	d := new(time.Duration(at))
	tests := []struct {
		name  string
		scope trace.Scope
		where string // the same in SQL
		out   string // what LeftOut must say
	}{
		{"kernel", trace.Scope{Kernel: regexp.MustCompile("nvjet")}, "value LIKE '%nvjet%'", "of kernels that do not match"},
		{"exclude", trace.Scope{Exclude: regexp.MustCompile("nvjet")}, "value NOT LIKE '%nvjet%'", "of kernels that match"},
		{"stream", trace.Scope{Streams: []int{stream}}, fmt.Sprint("streamId = ", stream), ""},
		{"device", trace.Scope{Devices: []int{0, 3}}, "deviceId IN (0, 3)", ""},
		{"from", trace.Scope{From: d}, fmt.Sprint("start >= ", at), "outside the time window"},
		{"to", trace.Scope{To: d}, fmt.Sprint("start < ", at), "outside the time window"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := query(t, c, "SELECT count(*), sum(end - start) FROM CUPTI_ACTIVITY_KIND_KERNEL JOIN StringIds AS s ON s.id = demangledName WHERE "+tt.where)[0]
			tr := read(t, file, nsysdb.Query{Scope: tt.scope})
			n, sum := int64(tr.Launches.Len()), int64(0)
			for i := range tr.Launches.Len() {
				sum += tr.Launches.Duration(i)
			}
			if n != want[0] || sum != want[1] {
				t.Errorf("%d launches of %d ns, SQL says %v", n, sum, want)
			}
			if all := tr.Capture.Launches; all != 3468 {
				t.Errorf("Capture.Launches = %d, want all 3468", all)
			}
			if got := strings.Join(tr.LeftOut, "; "); (got == "") != (n == 3468) || !strings.Contains(got, tt.out) {
				t.Errorf("LeftOut = %q, want %q in it", got, tt.out)
			}
		})
	}
}
