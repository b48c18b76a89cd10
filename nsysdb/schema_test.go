//go:build cgo

package nsysdb_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

// Tables of schema 3.2x, as far as nsysdb reads them.
const (
	kernels3 = `CREATE TABLE StringIds (id INTEGER NOT NULL PRIMARY KEY, value TEXT NOT NULL);
	CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER NOT NULL, end INTEGER NOT NULL, deviceId INTEGER NOT NULL, contextId INTEGER NOT NULL,
		greenContextId INTEGER, streamId INTEGER NOT NULL, correlationId INTEGER, globalPid INTEGER, demangledName INTEGER NOT NULL, shortName INTEGER NOT NULL,
		mangledName INTEGER, registersPerThread INTEGER NOT NULL DEFAULT 0, gridX INTEGER NOT NULL DEFAULT 1, gridY INTEGER NOT NULL DEFAULT 1,
		gridZ INTEGER NOT NULL DEFAULT 1, blockX INTEGER NOT NULL DEFAULT 32, blockY INTEGER NOT NULL DEFAULT 1, blockZ INTEGER NOT NULL DEFAULT 1,
		staticSharedMemory INTEGER NOT NULL DEFAULT 0, dynamicSharedMemory INTEGER NOT NULL DEFAULT 0, graphNodeId INTEGER)`
	calls3 = `CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INTEGER NOT NULL, end INTEGER NOT NULL, eventClass INTEGER NOT NULL DEFAULT 0,
		globalTid INTEGER, correlationId INTEGER, nameId INTEGER NOT NULL DEFAULT 0, returnValue INTEGER NOT NULL DEFAULT 0, callchainId INTEGER)`
	nvtx3 = `CREATE TABLE NVTX_EVENTS (start INTEGER NOT NULL, end INTEGER, eventType INTEGER NOT NULL, rangeId INTEGER, text TEXT,
		globalTid INTEGER, endGlobalTid INTEGER, textId INTEGER, domainId INTEGER)`
	nodes3 = `CREATE TABLE CUDA_GRAPH_NODE_EVENTS (start INTEGER NOT NULL, end INTEGER NOT NULL, eventClass INTEGER NOT NULL DEFAULT 77,
		globalTid INTEGER, nameId INTEGER NOT NULL DEFAULT 0, graphNodeId INTEGER NOT NULL, originalGraphNodeId INTEGER)`
)

// global returns a globalTid, or a globalPid for tid 0.
func global(pid, tid int64) int64 { return 1<<48 | pid<<24 | tid }

// names fills StringIds with 1 "k1" to 9 "k9".
func names() string {
	s := "INSERT INTO StringIds VALUES (1, 'k1')"
	for i := 2; i < 10; i++ {
		s += fmt.Sprintf(", (%d, 'k%d')", i, i)
	}
	return s
}

// kernel is an INSERT of a launch of "k<name>"; correlation and node may be
// NULL.
func kernel(pid, correlation any, start, end, name int64, node any) string {
	return fmt.Sprintf(`INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL (start, end, deviceId, contextId, streamId, correlationId, globalPid, demangledName, shortName, graphNodeId)
		VALUES (%d, %d, 0, 1, 7, %v, %v, %d, %[5]d, %v)`, start, end, correlation, pid, name, node)
}

func call(tid, correlation, start any) string {
	return fmt.Sprintf("INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME (start, end, globalTid, correlationId) VALUES (%v, %[1]v + 1, %v, %v)", start, tid, correlation)
}

func push(tid int64, start int64, end any, text string) string {
	return event(59, tid, start, end, text)
}

func event(typ, tid, start int64, end any, text string) string {
	return fmt.Sprintf("INSERT INTO NVTX_EVENTS (start, end, eventType, text, globalTid) VALUES (%d, %v, %d, '%s', %d)", start, end, typ, text, tid)
}

func domain(id, tid, start, end int64, text string) string {
	return fmt.Sprintf("INSERT INTO NVTX_EVENTS (start, end, eventType, text, globalTid, domainId) VALUES (%d, %d, 59, '%s', %d, %d)", start, end, text, tid, id)
}

func node(tid, start, id int64, original any) string {
	return fmt.Sprintf("INSERT INTO CUDA_GRAPH_NODE_EVENTS (start, end, globalTid, graphNodeId, originalGraphNodeId) VALUES (%d, %[1]d, %d, %d, %v)", start, tid, id, original)
}

// TestSchemas reads a database of each generation of the format.
func TestSchemas(t *testing.T) {
	pid, tid := global(42, 0), global(42, 43)
	strings := "CREATE TABLE StringIds (id INTEGER NOT NULL PRIMARY KEY, value TEXT NOT NULL)"
	// 2020.4 to 2021.2: no META table, GPUs in TARGET_INFO_CUDA_GPU, no
	// mangledName, no green contexts, everything NOT NULL, no ENUM tables.
	kernels1 := `CREATE TABLE %s (start INT NOT NULL, end INT NOT NULL, deviceId INT NOT NULL, contextId INT NOT NULL, streamId INT NOT NULL,
		correlationId INT NOT NULL, globalPid INT NOT NULL, demangledName INT NOT NULL, shortName INT NOT NULL, registersPerThread INT NOT NULL,
		gridX INT NOT NULL, gridY INT NOT NULL, gridZ INT NOT NULL, blockX INT NOT NULL, blockY INT NOT NULL, blockZ INT NOT NULL,
		staticSharedMemory INT NOT NULL, dynamicSharedMemory INT NOT NULL)`
	row1 := fmt.Sprintf("INSERT INTO %%s VALUES (100, 150, 0, 1, 7, 5, %d, 1, 2, 32, 4, 1, 1, 128, 1, 1, 16, 1000)", pid)
	gpu1 := []string{"CREATE TABLE TARGET_INFO_CUDA_GPU (deviceId INT, name TEXT, coreClockRate INT, numMultiprocessors INT, globalMemorySize INT, computeCapabilityMajor INT, computeCapabilityMinor INT)",
		"INSERT INTO TARGET_INFO_CUDA_GPU VALUES (0, 'V100', 1380000, 80, 16000000000, 7, 0)"}
	nvtx1 := []string{"CREATE TABLE NVTX_EVENTS (start INT NOT NULL, end INT, eventType INT NOT NULL, text TEXT, globalTid INT, textId INT)",
		fmt.Sprintf("INSERT INTO NVTX_EVENTS VALUES (1, 1000, 59, NULL, %d, 3)", tid)}
	calls1 := []string{"CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INT NOT NULL, end INT NOT NULL, globalTid INT NOT NULL, correlationId INT NOT NULL, nameId INT NOT NULL, returnValue INT NOT NULL)",
		fmt.Sprintf("INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (50, 60, %d, 5, 4, 0)", tid)}
	texts := "INSERT INTO StringIds VALUES (1, 'void k<int>()'), (2, 'k'), (3, 'step'), (4, 'cudaLaunchKernel')"
	old := func(table string, more ...string) []string {
		s := []string{strings, texts, fmt.Sprintf(kernels1, table), fmt.Sprintf(row1, table)}
		return append(append(append(append(s, gpu1...), nvtx1...), calls1...), more...)
	}

	tests := []struct {
		name       string
		statements []string
		tool       string
		schema     string
	}{
		{"2020.4: no META tables", old("CUPTI_ACTIVITY_KIND_KERNEL"), "", ""},
		{"KERNEL_V2", old("CUPTI_ACTIVITY_KIND_KERNEL_V2"), "", ""},
		{"KERNEL_V3, older table empty", old("CUPTI_ACTIVITY_KIND_KERNEL_V3", fmt.Sprintf(kernels1, "CUPTI_ACTIVITY_KIND_KERNEL")), "", ""},
		{"CONCURRENT_KERNEL", old("CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL"), "", ""},
		{"2.9: EXPORT_META_DATA", old("CUPTI_ACTIVITY_KIND_KERNEL", "CREATE TABLE EXPORT_META_DATA (name TEXT, value TEXT)",
			"INSERT INTO EXPORT_META_DATA VALUES ('EXPORT_PRODUCT_VERSION', '2022.1.1'), ('EXPORT_SCHEMA_VERSION', '2.9.0')"), "2022.1.1", "2.9.0"},
		{"3.4: META_DATA_EXPORT", old("CUPTI_ACTIVITY_KIND_KERNEL", "CREATE TABLE META_DATA_EXPORT (name TEXT, value TEXT)",
			"INSERT INTO META_DATA_EXPORT VALUES ('EXPORT_PRODUCT_VERSION', '2023.4'), ('EXPORT_SCHEMA_VERSION', '3.4.2')"), "2023.4", "3.4.2"},
	}
	want := []launch{{Name: "void k<int>()", Start: 100, Duration: 50, PID: 42, Issue: "step"}}
	for _, tt := range tests {
		for _, scanner := range []string{"", "off"} {
			t.Run(tt.name+"/scanner="+scanner, func(t *testing.T) {
				t.Setenv("NSYSDIFF_SCANNER", scanner)
				tr := read(t, makeReport(t, tt.statements...), nsysdb.Query{NVTX: true, MemOps: true})
				if d := cmp.Diff(want, launches(tr)); d != "" {
					t.Errorf("launches (-want +got):\n%s", d)
				}
				c := tr.LaunchConfig(0)
				if got := tr.Strings[c.Short]; got != "k" || c.Mangled != trace.None || c.SMem != 1016 || c.Regs != 32 || c.Grid != [3]int32{4, 1, 1} || c.Block != [3]int32{128, 1, 1} {
					t.Errorf("config %+v, short name %q", c, got)
				}
				gpus := []trace.GPU{{Name: "V100", SMs: 80, Compute: "7.0", MemoryBytes: 16e9, ClockRateKHz: 1380000}}
				if d := cmp.Diff(gpus, tr.Capture.GPUs); d != "" {
					t.Errorf("GPUs (-want +got):\n%s", d)
				}
				if tr.Capture.Tool != tt.tool || tr.Capture.Schema != tt.schema {
					t.Errorf("exported by %q, schema %q, want %q, %q", tr.Capture.Tool, tr.Capture.Schema, tt.tool, tt.schema)
				}
				if d := cmp.Diff([]trace.Process{{GlobalPID: uint64(pid), PID: 42}}, tr.Capture.Processes); d != "" {
					t.Errorf("Processes, told from the launches (-want +got):\n%s", d)
				}
			})
		}
	}
}

// TestGPUs lists the GPUs that launches in scope ran on.
func TestGPUs(t *testing.T) {
	p, q := global(1, 0), global(2, 0)
	// The first process sees all GPUs, the second the last alone.
	const devices = "CREATE TABLE TARGET_INFO_CUDA_DEVICE (gpuId INTEGER, cudaId INTEGER NOT NULL, pid INTEGER NOT NULL)"
	base := []string{kernels3, calls3, nvtx3, names(), "CREATE TABLE TARGET_INFO_GPU (id INTEGER, name TEXT)", "INSERT INTO TARGET_INFO_GPU VALUES (0, 'display'), (1, 'a'), (2, 'b')",
		kernel(p, 1, 10, 20, 1, "NULL"), kernel(p, 2, 20, 30, 2, "NULL"), kernel(q, 1, 30, 40, 3, "NULL"), "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET deviceId = 1 WHERE start = 10",
		push(global(1, 1), 0, 5, "step"), call(global(1, 1), 1, 1)}
	told := "INSERT INTO TARGET_INFO_CUDA_DEVICE VALUES (0, 0, 1), (1, 1, 1), (2, 2, 1), (2, 0, 2)"
	step, err := trace.ParsePattern("step")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name       string
		statements []string
		scope      trace.Scope
		want       []int
	}{
		{"no such table", nil, trace.Scope{}, []int{0, 1, 2}},
		{"all ran something", []string{devices, told}, trace.Scope{}, []int{0, 1, 2}},
		{"of one process", []string{devices, told}, trace.Scope{PIDs: []int{2}}, []int{2}},
		{"of one device", []string{devices, told}, trace.Scope{PIDs: []int{1}, Devices: []int{1}}, []int{1}},
		{"in a range", []string{devices, told}, trace.Scope{NVTX: []trace.Pattern{step}}, []int{1}},
		{"a process that is not listed", []string{devices, told, "DELETE FROM TARGET_INFO_CUDA_DEVICE WHERE pid = 2"}, trace.Scope{PIDs: []int{2}}, []int{0, 1, 2}},
		{"a GPU that is not listed", []string{devices, told, "DELETE FROM TARGET_INFO_GPU WHERE id = 2"}, trace.Scope{PIDs: []int{2}}, []int{0, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := open(t, makeReport(t, append(append([]string{}, base...), tt.statements...)...))
			tr, err := db.Read(context.Background(), nsysdb.Query{Scope: tt.scope})
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, g := range tr.Capture.GPUs {
				got = append(got, g.ID)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("GPUs (-want +got):\n%s", d)
			}
		})
	}
}

// TestNames resolves string ids.
func TestNames(t *testing.T) {
	// An export's columns are NOT NULL; a damaged or edited file's need not be.
	path := makeReport(t, "CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT)", "INSERT INTO StringIds VALUES (1, 'good'), (2, CAST(x'6261ff64' AS TEXT)), (3, NULL)",
		"CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, end INTEGER, deviceId INTEGER, streamId INTEGER, demangledName INTEGER)",
		"INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (1, 2, 0, 0, 1), (2, 3, 0, 0, 2), (3, 4, 0, 0, 3), (4, 5, 0, 0, 123), (5, 6, 0, 0, NULL), (6, 7, 0, 0, 123)")
	for _, scanner := range []string{"", "off"} {
		t.Setenv("NSYSDIFF_SCANNER", scanner)
		tr := read(t, path, nsysdb.Query{})
		var got []string
		for i := range tr.Launches.Len() {
			got = append(got, tr.Name(i))
		}
		want := []string{"good", "ba\xffd", "<unresolved 3>", "<unresolved 123>", "<unresolved>", "<unresolved 123>"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("names (-want +got):\n%s", d)
		}
		if tr.Capture.Unresolved != 4 {
			t.Errorf("Unresolved = %d, want 4", tr.Capture.Unresolved)
		}
	}
}

// TestIssueOrder puts launches in the order in which the host issued them.
func TestIssueOrder(t *testing.T) {
	p, q := global(1, 0), global(2, 0)
	statements := []string{kernels3, names(), nodes3,
		kernel(q, 1, 5, 6, 1, "NULL"),      // another process: a track of its own, correlation ids repeat
		kernel(p, 9, 10, 20, 2, "NULL"),    // issued after the graph, ran first
		kernel(p, 3, 50, 60, 3, 1<<32|1),   // replay: the second node ran first
		kernel(p, 3, 55, 60, 4, 1<<32),     //         (another stream of the graph)
		kernel(p, 2, 30, 40, 5, "NULL"),    // issued before the graph
		kernel(p, "NULL", 8, 9, 6, "NULL"), // unknown call: last, by start
		kernel(p, "NULL", 7, 8, 7, "NULL"),
		node(p+1, 1, 1<<32, "NULL"), node(p+1, 2, 1<<32|1, "NULL"),
	}
	for _, scanner := range []string{"", "off"} {
		t.Setenv("NSYSDIFF_SCANNER", scanner)
		tr := read(t, makeReport(t, statements...), nsysdb.Query{})
		got := ""
		for i := range tr.Launches.Len() {
			got += fmt.Sprintf("%d:%s ", tr.LaunchLane(i).PID, tr.Name(i))
		}
		if want := "1:k5 1:k4 1:k3 1:k2 1:k7 1:k6 2:k1 "; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		want := []trace.Track{{GlobalPID: uint64(p), PID: 1, First: 0, N: 6}, {GlobalPID: uint64(q), PID: 2, First: 6, N: 1}}
		if d := cmp.Diff(want, tr.Tracks); d != "" {
			t.Errorf("Tracks (-want +got):\n%s", d)
		}
	}
}

// TestAttribution attributes launches to ranges in small captures.
func TestAttribution(t *testing.T) {
	p, q := global(1, 0), global(2, 0)
	p1, p2, q1 := global(1, 1), global(1, 2), global(2, 1)
	base := []string{kernels3, names(), calls3, nvtx3, nodes3}
	tests := []struct {
		name         string
		statements   []string
		want         []launch
		unattributed int64
	}{
		{"innermost of the calling thread", []string{
			push(p1, 0, 100, "a"), push(p1, 10, 90, "b"), push(p1, 20, 30, "closed"), push(p2, 0, 100, "other thread"),
			call(p1, 1, 50), kernel(p, 1, 200, 210, 1, "NULL"), // runs long after the range
		}, []launch{{Name: "k1", Start: 200, Duration: 10, PID: 1, Issue: "a/b"}}, 0},
		{"the start belongs to a range, the end does not", []string{
			push(p1, 0, 10, "a"), push(p1, 10, 20, "b"), call(p1, 1, 10), call(p1, 2, 20), call(p1, 3, 0),
			kernel(p, 1, 1, 2, 1, "NULL"), kernel(p, 2, 2, 3, 2, "NULL"), kernel(p, 3, 3, 4, 3, "NULL"),
		}, []launch{{Name: "k1", Start: 1, Duration: 1, PID: 1, Issue: "b"}, {Name: "k2", Start: 2, Duration: 1, PID: 1}, {Name: "k3", Start: 3, Duration: 1, PID: 1, Issue: "a"}}, 0},
		{"equal correlation ids of two processes", []string{
			push(p1, 0, 100, "p"), push(q1, 0, 100, "q"), call(p1, 1, 5), call(q1, 1, 6),
			kernel(q, 1, 10, 11, 1, "NULL"), kernel(p, 1, 20, 21, 2, "NULL"),
		}, []launch{{Name: "k2", Start: 20, Duration: 1, PID: 1, Issue: "p"}, {Name: "k1", Start: 10, Duration: 1, PID: 2, Issue: "q"}}, 0},
		{"no call, and a call of another process", []string{
			push(p1, 0, 100, "p"), call(q1, 1, 5), kernel(p, 1, 10, 11, 1, "NULL"), kernel(p, "NULL", 12, 13, 2, "NULL"),
		}, []launch{{Name: "k1", Start: 10, Duration: 1, PID: 1}, {Name: "k2", Start: 12, Duration: 1, PID: 1}}, 2},
		{"a range that was not closed, and one that ends with the capture", []string{
			push(p1, 0, "NULL", "open"), call(p1, 1, 1000), kernel(p, 1, 2000, 2001, 1, "NULL"),
		}, []launch{{Name: "k1", Start: 2000, Duration: 1, PID: 1, Issue: "open"}}, 0},
		{"marks, categories and domains are no ranges", []string{
			event(34, p1, 0, "NULL", "mark"), event(75, p1, 0, "NULL", "domain"), event(33, p1, 0, "NULL", "category"), event(34, p1, 0, 100, "mark with an end"),
			push(p1, 1, 100, "a"), call(p1, 1, 5), kernel(p, 1, 10, 11, 1, "NULL"),
		}, []launch{{Name: "k1", Start: 10, Duration: 1, PID: 1, Issue: "a"}}, 0},
		{"ranges from an NVTXT file", []string{
			event(70, p1, 0, 100, "push"), event(71, p1, 1, 99, "start"), call(p1, 1, 5), kernel(p, 1, 10, 11, 1, "NULL"),
		}, []launch{{Name: "k1", Start: 10, Duration: 1, PID: 1, Issue: "push/start"}}, 0},
		{"a start/end range around push/pop ranges", []string{
			event(60, p1, 0, 100, "iteration"), push(p1, 10, 20, "a"), call(p1, 1, 15), kernel(p, 1, 16, 17, 1, "NULL"),
		}, []launch{{Name: "k1", Start: 16, Duration: 1, PID: 1, Issue: "iteration/a"}}, 0},
		{"start/end ranges that overlap: the last to begin, and what is around it whole", []string{
			event(60, p1, 0, 100, "outer"), event(60, p1, 10, 50, "a"), event(60, p1, 20, 80, "b"),
			call(p1, 1, 15), call(p1, 2, 30), call(p1, 3, 60), call(p1, 4, 90),
			kernel(p, 1, 1, 2, 1, "NULL"), kernel(p, 2, 2, 3, 2, "NULL"), kernel(p, 3, 3, 4, 3, "NULL"), kernel(p, 4, 4, 5, 4, "NULL"),
		}, []launch{{Name: "k1", Start: 1, Duration: 1, PID: 1, Issue: "outer/a"}, {Name: "k2", Start: 2, Duration: 1, PID: 1, Issue: "outer/b"},
			{Name: "k3", Start: 3, Duration: 1, PID: 1, Issue: "outer/b"}, {Name: "k4", Start: 4, Duration: 1, PID: 1, Issue: "outer"}}, 0},
		{"a start/end range that crosses push/pop ranges", []string{
			push(p1, 0, 100, "step 0"), push(p1, 60, 90, "layer"), push(p1, 100, 200, "step 1"), push(p1, 200, 300, "step 2"), event(60, p1, 50, 250, "request"),
			call(p1, 1, 10), call(p1, 2, 55), call(p1, 3, 70), call(p1, 4, 150), call(p1, 5, 230),
			kernel(p, 1, 1, 2, 1, "NULL"), kernel(p, 2, 2, 3, 2, "NULL"), kernel(p, 3, 3, 4, 3, "NULL"), kernel(p, 4, 4, 5, 4, "NULL"), kernel(p, 5, 5, 6, 5, "NULL"),
		}, []launch{{Name: "k1", Start: 1, Duration: 1, PID: 1, Issue: "step 0"}, {Name: "k2", Start: 2, Duration: 1, PID: 1, Issue: "step 0"},
			{Name: "k3", Start: 3, Duration: 1, PID: 1, Issue: "step 0/layer"}, {Name: "k4", Start: 4, Duration: 1, PID: 1, Issue: "step 1"},
			{Name: "k5", Start: 5, Duration: 1, PID: 1, Issue: "step 2"}}, 0},
		{"push/pop ranges of two domains that cross: that with more ranges", []string{
			push(p1, 0, 100, "step 0"), push(p1, 100, 200, "step 1"), domain(5, p1, 50, 150, "library"), domain(5, p1, 160, 170, "inside"),
			call(p1, 1, 70), call(p1, 2, 120), call(p1, 3, 165), push(p1, 300, 400, "step 2"),
			kernel(p, 1, 1, 2, 1, "NULL"), kernel(p, 2, 2, 3, 2, "NULL"), kernel(p, 3, 3, 4, 3, "NULL"),
		}, []launch{{Name: "k1", Start: 1, Duration: 1, PID: 1, Issue: "step 0"}, {Name: "k2", Start: 2, Duration: 1, PID: 1, Issue: "step 1"},
			{Name: "k3", Start: 3, Duration: 1, PID: 1, Issue: "step 1/inside"}}, 0},
		{"ranges that begin together", []string{
			push(p1, 0, 10, "short"), push(p1, 0, 100, "long"), call(p1, 1, 5), call(p1, 2, 50), kernel(p, 1, 1, 2, 1, "NULL"), kernel(p, 2, 2, 3, 2, "NULL"),
		}, []launch{{Name: "k1", Start: 1, Duration: 1, PID: 1, Issue: "long/short"}, {Name: "k2", Start: 2, Duration: 1, PID: 1, Issue: "long"}}, 0},
		{"registered and unresolved names", []string{
			fmt.Sprintf("INSERT INTO NVTX_EVENTS (start, end, eventType, textId, globalTid) VALUES (0, 100, 59, 9, %d), (1, 99, 59, 77, %[1]d), (2, 98, 59, NULL, %[1]d)", p1),
			call(p1, 1, 5), kernel(p, 1, 1, 2, 1, "NULL"),
		}, []launch{{Name: "k1", Start: 1, Duration: 1, PID: 1, Issue: "k9/<unresolved 77>/<unresolved>"}}, 0},
		{"integers that a program stored as real numbers", []string{
			"DROP TABLE NVTX_EVENTS", strings.ReplaceAll(nvtx3, "INTEGER", "REAL"), "DROP TABLE CUPTI_ACTIVITY_KIND_RUNTIME", strings.ReplaceAll(calls3, "INTEGER", "REAL"),
			fmt.Sprintf("INSERT INTO NVTX_EVENTS (start, end, eventType, textId, globalTid) VALUES (0, 100, 59, 9, %d), (1, NULL, 34, 8, %[1]d)", p1),
			push(p1, 10, 90, "a"), call(p1, 1, 15), kernel(p, 1, 16, 17, 1, "NULL"),
		}, []launch{{Name: "k1", Start: 16, Duration: 1, PID: 1, Issue: "k9/a"}}, 0},
		{"negative times and a process id with the top bit set", []string{
			fmt.Sprintf("INSERT INTO NVTX_EVENTS (start, end, eventType, text, globalTid) VALUES (-100, -50, 59, 'a', %d)", math.MinInt64|p1),
			call(math.MinInt64|p1, 1, -70), kernel(math.MinInt64|p, 1, -60, -10, 1, "NULL"),
		}, []launch{{Name: "k1", Start: -60, Duration: 50, PID: 1, Issue: "a"}}, 0},
		{"replays: where captured and where replayed", []string{
			push(p1, 0, 50, "capture"), push(p1, 10, 20, "layer 0"), node(p1, 15, 1<<32, "NULL"), node(p1, 30, 1<<32|1, "NULL"),
			node(p1, 60, 2<<32, "NULL"), node(p1, 61, 2<<32, 1<<32), node(p1, 62, 2<<32|1, 1<<32|1), // instantiated, outside
			push(p1, 100, 200, "step 0"), call(p1, 7, 110), push(p1, 300, 400, "step 1"), call(p1, 8, 310),
			kernel(p, 7, 120, 121, 1, 2<<32), kernel(p, 7, 130, 131, 2, 2<<32|1), kernel(p, 8, 320, 321, 1, 2<<32), kernel(p, 8, 330, 331, 2, 2<<32|1),
		}, []launch{
			{Name: "k1", Start: 120, Duration: 1, PID: 1, Issue: "step 0", Capture: "capture/layer 0", Node: 2 << 32},
			{Name: "k2", Start: 130, Duration: 1, PID: 1, Issue: "step 0", Capture: "capture", Node: 2<<32 | 1},
			{Name: "k1", Start: 320, Duration: 1, PID: 1, Issue: "step 1", Capture: "capture/layer 0", Node: 2 << 32},
			{Name: "k2", Start: 330, Duration: 1, PID: 1, Issue: "step 1", Capture: "capture", Node: 2<<32 | 1},
		}, 0},
		{"a clone of a clone, and node ids of two processes", []string{
			push(p1, 0, 50, "p"), node(p1, 1, 10, "NULL"), node(p1, 60, 20, 10), node(p1, 70, 30, 20),
			push(q1, 0, 50, "q"), node(q1, 1, 10, "NULL"), node(q1, 60, 20, 10), node(q1, 70, 30, 20),
			call(p1, 1, 100), call(q1, 1, 100), kernel(p, 1, 110, 111, 1, 30), kernel(q, 1, 110, 111, 2, 30),
		}, []launch{{Name: "k1", Start: 110, Duration: 1, PID: 1, Capture: "p", Node: 30}, {Name: "k2", Start: 110, Duration: 1, PID: 2, Capture: "q", Node: 30}}, 0},
		{"an original before the capture began, a cycle, an unknown node: not guessed", []string{
			push(p1, 0, 500, "a"), node(p1, 60, 20, 10), node(p1, 61, 30, 31), node(p1, 62, 31, 30),
			call(p1, 1, 600), kernel(p, 1, 610, 611, 1, 20), kernel(p, 1, 620, 621, 2, 30), kernel(p, 1, 630, 631, 3, 40),
		}, []launch{{Name: "k3", Start: 630, Duration: 1, PID: 1, Node: 40}, {Name: "k1", Start: 610, Duration: 1, PID: 1, Node: 20}, {Name: "k2", Start: 620, Duration: 1, PID: 1, Node: 30}}, 3},
		{"a node id of 0 is no graph", []string{
			push(p1, 0, 50, "a"), node(p1, 1, 0, "NULL"), call(p1, 1, 10), kernel(p, 1, 20, 21, 1, 0),
		}, []launch{{Name: "k1", Start: 20, Duration: 1, PID: 1, Issue: "a"}}, 0},
	}
	for _, tt := range tests {
		for _, scanner := range []string{"", "off"} {
			t.Run(tt.name+"/scanner="+scanner, func(t *testing.T) {
				t.Setenv("NSYSDIFF_SCANNER", scanner)
				tr := read(t, makeReport(t, append(append([]string{}, base...), tt.statements...)...), nsysdb.Query{NVTX: true})
				if d := cmp.Diff(tt.want, launches(tr)); d != "" {
					t.Errorf("launches (-want +got):\n%s", d)
				}
				if tr.Capture.Unattributed != tt.unattributed {
					t.Errorf("Unattributed = %d, want %d", tr.Capture.Unattributed, tt.unattributed)
				}
			})
		}
	}
}

// TestCrossingRanges says that ranges are left out of the nesting, and gives those
// that a scope names all their launches.
func TestCrossingRanges(t *testing.T) {
	p, p1 := global(1, 0), global(1, 1)
	one := "1 NVTX range crosses others of its thread, and so counts for no launch: to choose launches by it, name it in the scope"
	path := makeReport(t, kernels3, calls3, nvtx3, names(),
		push(p1, 0, 100, "step 0"), push(p1, 100, 200, "step 1"), event(60, p1, 50, 150, "request"),
		call(p1, 1, 10), call(p1, 2, 70), call(p1, 3, 120), call(p1, 4, 170),
		kernel(p, 1, 1, 2, 1, "NULL"), kernel(p, 2, 2, 3, 2, "NULL"), kernel(p, 3, 3, 4, 3, "NULL"), kernel(p, 4, 4, 5, 4, "NULL"))
	for _, tt := range []struct {
		scope    string
		launches []string
		warnings []string
	}{
		{"step 0", []string{"k1 step 0", "k2 step 0"}, []string{one}},
		{"step 1", []string{"k3 step 1", "k4 step 1"}, []string{one}},
		{"request", []string{"k2 request", "k3 request"}, []string{"2 NVTX ranges cross others of their thread, and so count for no launch: to choose launches by one, name it in the scope"}},
	} {
		t.Run(tt.scope, func(t *testing.T) {
			pattern, err := trace.ParsePattern(tt.scope)
			if err != nil {
				t.Fatal(err)
			}
			tr := read(t, path, nsysdb.Query{Scope: trace.Scope{NVTX: []trace.Pattern{pattern}}})
			var got []string
			for _, l := range launches(tr) {
				got = append(got, l.Name+" "+l.Issue)
			}
			if d := cmp.Diff(tt.launches, got); d != "" {
				t.Errorf("launches (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.warnings, tr.Capture.Warnings); d != "" {
				t.Errorf("warnings (-want +got):\n%s", d)
			}
		})
	}
}

// TestOldNodeTable reads schemas 3.0 to 3.7, in which CUDA_GRAPH_EVENTS is the
// table of nodes, and API calls of the driver in a table of their own.
func TestOldNodeTable(t *testing.T) {
	p, p1 := global(1, 0), global(1, 1)
	tr := read(t, makeReport(t, kernels3, names(), nvtx3,
		"CREATE TABLE CUDA_GRAPH_EVENTS (start INTEGER, end INTEGER, eventClass INTEGER, globalTid INTEGER, nameId INTEGER, graphNodeId INTEGER, originalGraphNodeId INTEGER)",
		fmt.Sprintf("INSERT INTO CUDA_GRAPH_EVENTS VALUES (5, 5, 77, %d, 1, 11, NULL), (20, 20, 77, %[1]d, 1, 21, 11)", p1),
		"CREATE TABLE CUPTI_ACTIVITY_KIND_DRIVER (start INTEGER, end INTEGER, globalTid INTEGER, correlationId INTEGER, nameId INTEGER)",
		fmt.Sprintf("INSERT INTO CUPTI_ACTIVITY_KIND_DRIVER VALUES (30, 31, %d, 1, 1)", p1),
		push(p1, 0, 10, "capture"), push(p1, 25, 40, "step"), kernel(p, 1, 50, 60, 1, 21)), nsysdb.Query{NVTX: true})
	want := []launch{{Name: "k1", Start: 50, Duration: 10, PID: 1, Issue: "step", Capture: "capture", Node: 21}}
	if d := cmp.Diff(want, launches(tr)); d != "" {
		t.Errorf("launches (-want +got):\n%s", d)
	}
}

// TestClock reads times that were shifted to the Unix epoch.
func TestClock(t *testing.T) {
	const utc = 1_700_000_000_000_000_000
	path := makeReport(t, kernels3, names(), session, fmt.Sprintf("INSERT INTO TARGET_INFO_SESSION_START_TIME VALUES (%d)", int64(utc)),
		"CREATE TABLE ANALYSIS_DETAILS (globalVid INTEGER, duration INTEGER, startTime INTEGER, stopTime INTEGER)", "INSERT INTO ANALYSIS_DETAILS VALUES (1, 5000000000, 77, 5000000077)",
		"CREATE TABLE META_DATA_EXPORT (name TEXT, value TEXT)", "INSERT INTO META_DATA_EXPORT VALUES ('EXPORT_PARAM_TIME_NORMALIZE', 'true'), ('EXPORT_PARAM_TIME_SHIFT', '-10')",
		kernel(global(1, 0), 1, utc+1e9-10, utc+1e9, 1, "NULL"), kernel(global(1, 0), 2, utc+3e9-10, utc+3e9, 2, "NULL"))
	c := open(t, path).Capture()
	if c.Start != utc-10 || c.Stop != utc-10+5e9 || c.StartUTC != utc {
		t.Errorf("capture from %d to %d, began at %d", c.Start, c.Stop, c.StartUTC)
	}
	tr := read(t, path, nsysdb.Query{Scope: trace.Scope{From: new(2 * time.Second)}})
	if tr.Launches.Len() != 1 || tr.Name(0) != "k2" {
		t.Errorf("from 2 s on: %+v, want k2", launches(tr))
	}
}

func TestScopeByNVTX(t *testing.T) {
	p, p1 := global(1, 0), global(1, 1)
	pattern := func(s string) trace.Pattern {
		p, err := trace.ParsePattern(s)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	path := makeReport(t, kernels3, names(), calls3, nvtx3, nodes3,
		push(p1, 0, 100, "capture"), push(p1, 10, 20, "layer 1"), node(p1, 15, 5, "NULL"), push(p1, 30, 40, "layer 12"), node(p1, 35, 6, "NULL"),
		push(p1, 200, 300, "step"), call(p1, 1, 250), kernel(p, 1, 260, 261, 1, 5), kernel(p, 1, 262, 263, 2, 6),
		call(p1, 2, 400), kernel(p, 2, 460, 461, 3, "NULL"))
	for _, tt := range []struct{ pattern, want, out string }{
		{"layer 1", "k1 ", `2 launches outside NVTX range "layer 1"`},
		{"layer*", "k1 k2 ", `1 launch outside NVTX range "layer*"`},
		{"/^layer 1?2$/", "k2 ", `2 launches outside NVTX range "/^layer 1?2$/"`},
		{"step", "k1 k2 ", `1 launch outside NVTX range "step"`},
	} {
		tr := read(t, path, nsysdb.Query{Scope: trace.Scope{NVTX: []trace.Pattern{pattern(tt.pattern)}}})
		got := ""
		for i := range tr.Launches.Len() {
			got += tr.Name(i) + " "
		}
		if d := cmp.Diff([]string{tt.out}, tr.LeftOut); got != tt.want || d != "" {
			t.Errorf("%s: %s, want %s; LeftOut (-want +got):\n%s", tt.pattern, got, tt.want, d)
		}
	}
	_, err := open(t, path).Read(context.Background(), nsysdb.Query{Scope: trace.Scope{NVTX: []trace.Pattern{pattern("layer 2")}}})
	checkEmpty(t, err, "NVTX ranges: layer * (2), capture (1), step (1)")
	_, err = open(t, path).Read(context.Background(), nsysdb.Query{Scope: trace.Scope{NVTX: []trace.Pattern{pattern("layer 1")}, Devices: []int{3}}})
	checkEmpty(t, err, "NVTX ranges: layer * (2), capture (1), step (1); devices: 0 (3)")
	_, err = open(t, path).Read(context.Background(), nsysdb.Query{Scope: trace.Scope{To: new(time.Duration(0))}})
	checkEmpty(t, err, "launches start between 0.000 s and 0.000 s")
}

func checkEmpty(t *testing.T, err error, hint string) {
	t.Helper()
	e, ok := err.(*trace.EmptyScopeError)
	if !ok {
		t.Fatalf("error %v, want an EmptyScopeError", err)
	}
	if e.Hint() != hint {
		t.Errorf("hint %q\nwant %q", e.Hint(), hint)
	}
}

// TestProgress: all rows of the tables that a query needs are counted, and no
// others.
func TestProgress(t *testing.T) {
	// As `SELECT count(*)` has them: 3,468 launches, 261 ranges, 10,446 API
	// calls, 278 copies and sets.
	for _, c := range []struct {
		query nsysdb.Query
		want  int64
	}{
		{nsysdb.Query{}, 3468},
		{nsysdb.Query{NVTX: true}, 3468 + 261 + 10446},
		{nsysdb.Query{MemOps: true}, 3468 + 278},
	} {
		var done, total int64
		c.query.Progress = func(d, n int64) {
			if d <= done || n != c.want {
				t.Errorf("progress %d of %d after %d, want %d", d, n, done, c.want)
			}
			done, total = d, n
		}
		read(t, "../testdata/llama_e2e_prefill.sqlite", c.query)
		if done != c.want || total != c.want {
			t.Errorf("progress ended at %d of %d, want %d", done, total, c.want)
		}
	}
}
