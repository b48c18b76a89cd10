//go:build cgo

package nsysdb_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

const recorded = "../testdata/dsa_mock_ctx.sqlite"

func recordedBytes(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(recorded)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// session makes an export with no events at all.
const session = "CREATE TABLE TARGET_INFO_SESSION_START_TIME (utcEpochNs INTEGER)"

func TestUnusableFiles(t *testing.T) {
	whole := recordedBytes(t)
	tests := []struct {
		name    string
		make    func(t *testing.T) string
		kind    nsysdb.Kind
		problem string // part of Problem
		hint    string // part of Hint
	}{
		{"missing", func(t *testing.T) string { return filepath.Join(t.TempDir(), "no.sqlite") }, nsysdb.NotFound, "no such file", ""},
		{"missing, with a report of that name", func(t *testing.T) string {
			return strings.TrimSuffix(write(t, "a b.nsys-rep", nil), ".nsys-rep") + ".sqlite"
		}, nsysdb.NotFound, "no such file", "nsys export --type sqlite '/"},
		{"directory", func(t *testing.T) string { return t.TempDir() }, nsysdb.Directory, "is a directory", ".sqlite"},
		{"0 bytes", func(t *testing.T) string { return write(t, "r.sqlite", nil) }, nsysdb.Empty, "0 bytes", "nsys export"},
		{"not exported", func(t *testing.T) string { return write(t, "r.nsys-rep", []byte("\x00\x01\x02binary")) }, nsysdb.NsysRep, "not exported", "nsys export --type sqlite"},
		{"Git LFS pointer", func(t *testing.T) string {
			return write(t, "r.sqlite", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"))
		}, nsysdb.LFSPointer, "Git LFS", "git lfs pull"},
		{"Git LFS pointer to a report", func(t *testing.T) string {
			return write(t, "r.nsys-rep", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"))
		}, nsysdb.LFSPointer, "Git LFS", "git lfs pull"},
		{"text", func(t *testing.T) string { return write(t, "r.sqlite", []byte("Time (%),Total\n12,é\n")) }, nsysdb.NotSQLite, "a text file", "nsys export"},
		{"gzip", func(t *testing.T) string { return write(t, "r.sqlite", []byte("\x1f\x8b\x08\x00abc\x00")) }, nsysdb.NotSQLite, "gzip", "gunzip"},
		{"HDF5 export", func(t *testing.T) string { return write(t, "r.h5", []byte("\x89HDF\r\n\x1a\n\x00")) }, nsysdb.NotSQLite, "HDF5", "--type sqlite"},
		{"binary", func(t *testing.T) string { return write(t, "r.sqlite", []byte{0, 1, 2, 3, 255}) }, nsysdb.NotSQLite, "not an SQLite database", ""},
		{"header only", func(t *testing.T) string { return write(t, "r.sqlite", whole[:50]) }, nsysdb.Truncated, "50 of 100 bytes", "copy it again"},
		{"truncated", func(t *testing.T) string { return write(t, "r.sqlite", whole[:len(whole)/2]) }, nsysdb.Truncated, fmt.Sprintf("%d of %d bytes", len(whole)/2, len(whole)), "copy it again"},
		{"last page cut", func(t *testing.T) string { return write(t, "r.sqlite", whole[:len(whole)-1]) }, nsysdb.Truncated, "is cut off", "copy it again"},
		{"foreign database", func(t *testing.T) string { return makeReport(t, "CREATE TABLE moz_cookies (id INTEGER)") }, nsysdb.NotExport, "not an export", "nsys export"},
		{"database without tables", func(t *testing.T) string { return makeReport(t, "CREATE TABLE x (y)", "DROP TABLE x") }, nsysdb.NotExport, "not an export", "nsys export"},
		{"partial export", func(t *testing.T) string {
			return makeReport(t, "CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT)", "INSERT INTO StringIds VALUES (1, 'x')")
		}, nsysdb.Partial, "partial export", "--force-overwrite"},
		{"kernels without names", func(t *testing.T) string {
			return makeReport(t, "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, end INTEGER, deviceId INTEGER, streamId INTEGER)")
		}, nsysdb.Malformed, "no column demangledName", ""},
		{"a damaged name of a table", func(t *testing.T) string {
			return makeReport(t, kernels3, "PRAGMA writable_schema = ON", "UPDATE sqlite_schema SET name = 'CUPTI_ACTIVITY_KIND_KERNEM' WHERE name = 'CUPTI_ACTIVITY_KIND_KERNEL'")
		}, nsysdb.Corrupt, "the file is damaged", "copy the file again"},
		{"a damaged name in the definition of a table", func(t *testing.T) string {
			return makeReport(t, kernels3, nvtx3, "PRAGMA writable_schema = ON", "UPDATE sqlite_schema SET sql = replace(sql, 'NVTX_EVENTS', 'nVTX_EVENTS')")
		}, nsysdb.Corrupt, `table "NVTX_EVENTS" has another name in its definition`, "copy the file again"},
		{"a schema format that no SQLite writes", func(t *testing.T) string {
			b := bytes.Clone(whole)
			b[47] = 9
			return write(t, "r.sqlite", b)
		}, nsysdb.Corrupt, "the file is damaged: unsupported file format", "copy the file again"},
		{"an open quote in a definition", func(t *testing.T) string {
			return makeReport(t, kernels3, "CREATE TABLE other (a)", "PRAGMA writable_schema = ON",
				`UPDATE sqlite_schema SET sql = 'CREATE TABLE other ("' || replace(hex(zeroblob(5000)), '0', 'é') WHERE name = 'other'`)
		}, nsysdb.Corrupt, "malformed database schema (other) - unrecognized token", "copy the file again"},
		{"a path too long for SQLite", func(t *testing.T) string {
			b := bytes.Clone(whole)
			b[18], b[19] = 2, 2 // in WAL mode, for SQLite to read
			dir := t.TempDir()
			for range 3 {
				dir = filepath.Join(dir, strings.Repeat("d", 200))
			}
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Skip(err)
			}
			path := filepath.Join(dir, "r.sqlite")
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Skip(err)
			}
			return path
		}, nsysdb.Unreadable, "longer than 504 bytes", "shorter path"},
		{"ranges whose types are texts", func(t *testing.T) string {
			return makeReport(t, kernels3, nvtx3, event(59, 1, 2, 3, "a"), "UPDATE NVTX_EVENTS SET eventType = 'x'")
		}, nsysdb.Malformed, "column eventType of NVTX_EVENTS: a value is not an integer", "nsys export"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := tt.make(t)
			dir := filepath.Dir(path)
			before := listing(t, dir)
			db, err := nsysdb.Open(context.Background(), path, nsysdb.Options{})
			if err == nil {
				db.Close()
			}
			checkError(t, err, path, tt.kind, tt.problem, tt.hint)
			if d := cmp.Diff(before, listing(t, dir)); d != "" {
				t.Errorf("files changed:\n%s", d)
			}
		})
	}
}

func checkError(t *testing.T, err error, path string, kind nsysdb.Kind, problem, hint string) {
	t.Helper()
	var e *nsysdb.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want an *Error of kind %s", err, kind)
	}
	if e.Kind != kind || !strings.Contains(e.Problem, problem) || !strings.Contains(e.Hint, hint) || e.Path != path {
		t.Errorf("%+v\nwant kind %s, %q in the problem, %q in the hint", e, kind, problem, hint)
	}
	if len(e.Problem) > 500 || !utf8.ValidString(e.Problem) {
		t.Errorf("a problem of %d bytes: %.500q", len(e.Problem), e.Problem)
	}
	if strings.ContainsAny(e.Error()+e.Hint, "\n\r") || !strings.HasPrefix(e.Error(), path+": ") || strings.Contains(e.Problem, path) {
		t.Errorf("%q, hint %q: want one line each, and the path once", e.Error(), e.Hint)
	}
}

// listing returns the names of a directory's files with size and time, their
// contents too.
func listing(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		content := ""
		if info.Mode().IsRegular() && info.Mode().Perm()&0o400 != 0 {
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			content = string(b)
		}
		files[e.Name()] = fmt.Sprintf("%d %v %v %x", info.Size(), info.ModTime(), info.Mode(), content)
	}
	return files
}

func TestUnusableCaptures(t *testing.T) {
	tests := []struct {
		name string
		path string
		kind nsysdb.Kind
		want string
		hint string
	}{
		{"NVTX only", "../testdata/dsa_nvtx_only.sqlite", nsysdb.NoCUDA, "NVTX ranges but no CUDA trace", "nsys profile -t cuda,nvtx --cuda-graph-trace=node"},
		{"neither CUDA nor NVTX", makeReport(t, session), nsysdb.NoCUDA, "no CUDA trace", "nsys profile -t cuda,nvtx"},
		{"API calls alone", makeReport(t, "CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INTEGER, globalTid INTEGER, correlationId INTEGER)",
			"INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (1, 2, 3), (4, 5, 6)"), nsysdb.NoKernels, "2 CUDA API calls but no kernels", "--sample=system-wide"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := open(t, tt.path) // must succeed, so that the capture can be shown
			checkError(t, db.Usable(), tt.path, tt.kind, tt.want, tt.hint)
			_, err := db.Read(context.Background(), nsysdb.Query{})
			checkError(t, err, tt.path, tt.kind, tt.want, tt.hint)
			for _, err := range db.Launches(context.Background(), trace.Scope{}) {
				checkError(t, err, tt.path, tt.kind, tt.want, tt.hint)
			}
		})
	}
	if db := open(t, "../testdata/dsa_e2e_gen_graph_graph.sqlite"); db.Usable() != nil {
		t.Errorf("a graph-level trace is unusable: %v", db.Usable())
	}
}

func TestNoPermission(t *testing.T) {
	if os.Getuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("root may read every file")
	}
	for _, suffix := range []string{"", "-journal", "-wal"} {
		path := write(t, "r.sqlite", recordedBytes(t))
		problem, hint := "no permission to read it", ""
		if suffix != "" {
			problem, hint = "no permission to read r.sqlite"+suffix, "owner"
			if err := os.WriteFile(path+suffix, []byte("what it holds"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(path+suffix, 0); err != nil {
			t.Fatal(err)
		}
		_, err := nsysdb.Open(context.Background(), path, nsysdb.Options{})
		checkError(t, err, path, nsysdb.Permission, problem, hint)
	}
}

func TestPipe(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no named pipes in the file system")
	}
	path := filepath.Join(t.TempDir(), "pipe.sqlite")
	if out, err := osexec.Command("mkfifo", path).CombinedOutput(); err != nil {
		t.Skipf("mkfifo: %v: %s", err, out)
	}
	_, err := nsysdb.Open(context.Background(), path, nsysdb.Options{}) // must not wait for a writer
	checkError(t, err, path, nsysdb.NotRegular, "not a regular file", "")
}

// TestNoPath: a file that SQLite cannot open by its path is read, if the page scanner
// reads it in full, and told to be that otherwise. Another file that has come to that
// path is not taken for it.
func TestNoPath(t *testing.T) {
	const none, long = "SQLite cannot open it by its path: ", "SQLite cannot open it by its path, which is longer than 504 bytes"
	deep := filepath.Join(t.TempDir(), strings.Repeat("d", 200), strings.Repeat("d", 200), strings.Repeat("d", 200))
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Skip(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(deep, link); err != nil {
		t.Skip(err)
	}
	// removed returns a path that leads to a file without a name.
	removed := func(t *testing.T, report string) string {
		f, err := os.Open(report)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		if err := os.Remove(report); err != nil {
			t.Fatal(err)
		}
		path := fmt.Sprintf("/proc/self/fd/%d", f.Fd())
		if _, err := os.Stat(path); err != nil {
			t.Skip(err)
		}
		return path
	}
	whole := recordedBytes(t)
	for _, tt := range []struct {
		reason string
		path   func(t *testing.T, report string) string
		want   string // part of the problem
		hint   string
	}{
		{"removed", removed, none + "unable to open database file", "copy it"},
		{"removed, and another has what the system calls it", func(t *testing.T, report string) string {
			path := removed(t, report)
			copyFile(t, "../testdata/dsa_e2e_ctx_tp1.sqlite", report+" (deleted)")
			return path
		}, none + "that leads to another file", "copy it"},
		{"in a working directory with a long path", func(t *testing.T, report string) string {
			copyFile(t, report, filepath.Join(deep, "r.sqlite"))
			t.Chdir(deep)
			return "r.sqlite"
		}, long, "shorter path"},
		{"by a link to a directory with a long path", func(t *testing.T, report string) string {
			copyFile(t, report, filepath.Join(deep, "r.sqlite"))
			return filepath.Join(link, "r.sqlite")
		}, long, "shorter path"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			report := write(t, "r.sqlite", whole)
			want := read(t, report, nsysdb.Query{NVTX: true})
			path := tt.path(t, report)
			got := read(t, path, nsysdb.Query{NVTX: true})
			want.Capture.Path = path
			if d := cmp.Diff(want.Capture, got.Capture); d != "" {
				t.Errorf("capture (-by an ordinary path +got):\n%s", d)
			}
			if d := cmp.Diff(launches(want), launches(got)); d != "" {
				t.Errorf("launches (-by an ordinary path +got):\n%s", d)
			}

			t.Setenv("NSYSDIFF_SCANNER", "off")
			_, err := nsysdb.Open(context.Background(), path, nsysdb.Options{})
			checkError(t, err, path, nsysdb.Unreadable, tt.want, tt.hint)
		})
		t.Run(tt.reason+", with a table that the scanner cannot read", func(t *testing.T) {
			for _, sql := range []string{
				"CREATE VIEW CUDA_GRAPH_NODE_EVENTS AS SELECT 1 AS start, 2 AS globalTid, 3 AS graphNodeId",                             // its columns
				"ALTER TABLE PROCESSES RENAME TO p; CREATE TABLE PROCESSES (pid INTEGER PRIMARY KEY) WITHOUT ROWID",                     // read to open
				"ALTER TABLE StringIds RENAME TO s; CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID", // read later
			} {
				report := write(t, "r.sqlite", whole)
				c := connect(t, report, "rw")
				exec(t, c, sql)
				c.Close()
				path := tt.path(t, report)
				db, err := nsysdb.Open(context.Background(), path, nsysdb.Options{})
				if err == nil {
					defer db.Close()
					_, err = db.Read(context.Background(), nsysdb.Query{})
				}
				checkError(t, err, path, nsysdb.Unreadable, tt.want, tt.hint)
			}
		})
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCorruptPage overwrites the first leaf of the kernel table.
func TestCorruptPage(t *testing.T) {
	b := recordedBytes(t)
	c := connect(t, recorded, "ro")
	root := query(t, c, "SELECT rootpage FROM sqlite_schema WHERE name = 'CUPTI_ACTIVITY_KIND_KERNEL'")[0][0].(int64)
	pageSize := int64(binary.BigEndian.Uint16(b[16:]))
	page := b[(root-1)*pageSize : root*pageSize]
	if page[0] != 5 {
		t.Fatalf("the table's root has type %d, want an interior page", page[0])
	}
	leaf := int64(binary.BigEndian.Uint32(page[int64(binary.BigEndian.Uint16(page[12:])):]))
	copy(b[(leaf-1)*pageSize:], bytes.Repeat([]byte{0xAA}, int(pageSize)))
	path := write(t, "r.sqlite", b)
	for _, ahead := range []*nsysdb.Query{nil, {}} {
		db, err := nsysdb.Open(context.Background(), path, nsysdb.Options{Ahead: ahead})
		if err == nil {
			defer db.Close()
			_, err = db.Read(context.Background(), nsysdb.Query{})
		}
		checkError(t, err, path, nsysdb.Corrupt, "damaged", "copy the file again")
	}
}

func TestFutureSchema(t *testing.T) {
	path := makeReport(t, "CREATE TABLE META_DATA_EXPORT (name TEXT, value TEXT)",
		"INSERT INTO META_DATA_EXPORT VALUES ('EXPORT_SCHEMA_VERSION', '4.1.0')", kernels3, "INSERT INTO StringIds VALUES (1, 'k')",
		"INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL (start, end, deviceId, contextId, streamId, demangledName, shortName) VALUES (1, 2, 0, 1, 7, 1, 1)")
	tr := read(t, path, nsysdb.Query{})
	want := []string{"its schema is version 4.1.0, newer than the newest known (3): figures may be wrong"}
	if d := cmp.Diff(want, tr.Capture.Warnings); d != "" {
		t.Errorf("Warnings (-want +got):\n%s", d)
	}
	if tr.Launches.Len() != 1 {
		t.Errorf("%d launches, want 1: a newer schema is read as far as known", tr.Launches.Len())
	}
}

func TestDiagnostics(t *testing.T) {
	path := makeReport(t, session, "CREATE TABLE DIAGNOSTIC_EVENT (timestamp INTEGER, severity INTEGER, text TEXT)",
		`INSERT INTO DIAGNOSTIC_EVENT VALUES (1, 1, 'info'), (2, 2, 'CUDA buffers'||char(10)||' dropped'), (3, 3, 'failed'), (4, 4, 'verbose'), (5, 0, 'unknown')`,
		"CREATE TABLE TARGET_INFO_SYSTEM_ENV (name TEXT, value TEXT)",
		"INSERT INTO TARGET_INFO_SYSTEM_ENV VALUES ('Hostname', 'h'), ('EnvironmentVariables', 'TOKEN=secret')")
	c := open(t, path).Capture()
	want := []trace.Diagnostic{{Severity: "warning", Text: "CUDA buffers dropped"}, {Severity: "error", Text: "failed"}}
	if d := cmp.Diff(want, c.Diagnostics); d != "" {
		t.Errorf("Diagnostics (-want +got):\n%s", d)
	}
	if s := fmt.Sprintf("%+v", c); strings.Contains(s, "secret") {
		t.Errorf("the capture repeats an environment variable: %s", s)
	}
}

// TestDroppedEvents: what the profiler dropped is told, though it counts it among
// its information.
func TestDroppedEvents(t *testing.T) {
	const message = "Number of incomplete CUPTI events dropped: %s. Incomplete events appear when GPU timestamp information have not been retrieved at the time the profiling session was stopped."
	for _, tt := range []struct {
		reason  string
		dropped []string
		want    []trace.Diagnostic
	}{
		{"none", []string{"0"}, nil},
		{"of two processes", []string{"12575", "0", "3"}, []trace.Diagnostic{{Severity: "warning",
			Text: "12578 CUDA events were dropped when profiling stopped: the last launches, or those of whole replays, may be missing"}}},
		{"a number that is none", []string{"many"}, nil},
	} {
		statements := []string{session, "CREATE TABLE DIAGNOSTIC_EVENT (timestamp INTEGER, severity INTEGER, text TEXT, globalPid INTEGER)"}
		for i, n := range tt.dropped {
			statements = append(statements, fmt.Sprintf("INSERT INTO DIAGNOSTIC_EVENT VALUES (%d, 1, '%s', %d)", i, fmt.Sprintf(message, n), global(int64(i), 0)))
		}
		if d := cmp.Diff(tt.want, open(t, makeReport(t, statements...)).Capture().Diagnostics); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.reason, d)
		}
	}
}

// TestNoTemporaryDirectory: a report with a log is read from a copy, and to say that
// there is no making one does not blame the report.
func TestNoTemporaryDirectory(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("TMPDIR means nothing there")
	}
	path := filepath.Join(t.TempDir(), "r.sqlite")
	exec(t, connect(t, path, "rwc"), "PRAGMA journal_mode = WAL", kernels3) // stays open, so that the log stays
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "no"))
	_, err := nsysdb.Open(context.Background(), path, nsysdb.Options{})
	checkError(t, err, path, nsysdb.Unreadable, "copying it with its write-ahead log to a temporary directory: ", "TMPDIR")

	// One in which SQLite cannot open the copy.
	long := filepath.Join(t.TempDir(), strings.Repeat("d", 200), strings.Repeat("d", 200), strings.Repeat("d", 200))
	if err := os.MkdirAll(long, 0o700); err != nil {
		t.Skip(err)
	}
	t.Setenv("TMPDIR", long)
	_, err = nsysdb.Open(context.Background(), path, nsysdb.Options{})
	checkError(t, err, path, nsysdb.Unreadable, "copying it with its write-ahead log to a temporary directory: unable to open", "TMPDIR")
	if left := listing(t, long); len(left) > 0 {
		t.Errorf("left in the temporary directory: %v", left)
	}
}

// TestWriteAheadLog reads a database whose newest rows are still in the log.
func TestWriteAheadLog(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.sqlite")
	c := connect(t, path, "rwc")
	exec(t, c, "PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0", kernels3, "INSERT INTO StringIds VALUES (1, 'k')",
		"INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL (start, end, deviceId, contextId, streamId, demangledName, shortName) VALUES (1, 2, 0, 1, 7, 1, 1), (3, 4, 0, 1, 7, 1, 1)")
	// The writer stays open, as one that was killed leaves the log.
	other := filepath.Join(t.TempDir(), "copy.sqlite")
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(other+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{path, other} {
		before := listing(t, filepath.Dir(p))
		db, err := nsysdb.Open(context.Background(), p, nsysdb.Options{})
		if err != nil {
			t.Fatal(err)
		}
		tr, err := db.Read(context.Background(), nsysdb.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if tr.Launches.Len() != 2 {
			t.Errorf("%d launches, want the 2 of the log", tr.Launches.Len())
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if d := cmp.Diff(before, listing(t, filepath.Dir(p))); d != "" {
			t.Errorf("files beside %s changed:\n%s", p, d)
		}
	}
}

// TestLocked opens a database that another connection is in the middle of
// changing, its journal beside it.
func TestLocked(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.sqlite")
	c := connect(t, path, "rwc")
	exec(t, c, kernels3, "PRAGMA cache_size = 2", "BEGIN EXCLUSIVE",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO StringIds SELECT i, hex(randomblob(40)) FROM n")
	before := listing(t, dir)
	db, err := nsysdb.Open(context.Background(), path, nsysdb.Options{})
	if err == nil {
		defer db.Close()
		_, err = db.Read(context.Background(), nsysdb.Query{})
	}
	checkError(t, err, path, nsysdb.Busy, "another program is writing", "wait")
	if d := cmp.Diff(before, listing(t, dir)); d != "" {
		t.Errorf("files changed:\n%s", d)
	}
}

// TestHotJournal opens a database whose writer died in a transaction.
func TestHotJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.sqlite")
	c := connect(t, path, "rwc")
	exec(t, c, kernels3, "PRAGMA cache_size = 2", "BEGIN EXCLUSIVE",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO StringIds SELECT i, hex(randomblob(40)) FROM n")
	dead := filepath.Join(t.TempDir(), "r.sqlite")
	for _, suffix := range []string{"", "-journal"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dead+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := listing(t, filepath.Dir(dead))
	db, err := nsysdb.Open(context.Background(), dead, nsysdb.Options{})
	if err == nil {
		defer db.Close()
		_, err = db.Read(context.Background(), nsysdb.Query{})
	}
	checkError(t, err, dead, nsysdb.Busy, "interrupted", "nsys export")
	if d := cmp.Diff(before, listing(t, filepath.Dir(dead))); d != "" {
		t.Errorf("files changed:\n%s", d)
	}
}

// TestNamesAndReadOnly opens reports by names that a URI must escape, in a
// directory that cannot be written to, and wants nothing changed.
func TestNamesAndReadOnly(t *testing.T) {
	content := recordedBytes(t)
	for _, name := range []string{"a b.sqlite", "a?mode=rwc.sqlite", "a#b.sqlite", "100%41.sqlite", "a:b.sqlite", "größe-層.sqlite", "'q\"`$(x).sqlite", "no suffix", "bad\xff.sqlite", "a&b=c;d+e.sqlite"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, content, 0o444); err != nil {
				t.Skipf("this file system does not take the name: %v", err)
			}
			if err := os.Chmod(dir, 0o555); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Chmod(dir, 0o755) })
			before := listing(t, dir)
			for _, scanner := range []string{"", "off"} {
				t.Setenv("NSYSDIFF_SCANNER", scanner)
				if tr := read(t, path, nsysdb.Query{NVTX: true, MemOps: true}); tr.Launches.Len() != 253 {
					t.Errorf("%d launches, want 253", tr.Launches.Len())
				}
			}
			if d := cmp.Diff(before, listing(t, dir)); d != "" {
				t.Errorf("files changed:\n%s", d)
			}
		})
	}
}

// TestRelativePath opens a report by a name that looks like an option or a
// scheme.
func TestRelativePath(t *testing.T) {
	content := recordedBytes(t)
	t.Chdir(t.TempDir())
	for _, name := range []string{"-r.sqlite", "file:r.sqlite", ":memory:"} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Skipf("this file system does not take the name: %v", err)
		}
		if tr := read(t, name, nsysdb.Query{}); tr.Launches.Len() != 253 {
			t.Errorf("%s: %d launches, want 253", name, tr.Launches.Len())
		}
	}
}

func TestChangedWhileRead(t *testing.T) {
	path := write(t, "r.sqlite", recordedBytes(t))
	db := open(t, path)
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	_, err := db.Read(context.Background(), nsysdb.Query{})
	checkError(t, err, path, nsysdb.Busy, "changed the file", "wait")
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	db := open(t, recorded)
	cancel()
	for _, scanner := range []string{"", "off"} {
		t.Setenv("NSYSDIFF_SCANNER", scanner)
		if _, err := db.Read(ctx, nsysdb.Query{NVTX: true}); !errors.Is(err, context.Canceled) {
			t.Errorf("Read with a canceled context: %v", err)
		}
		if _, err := nsysdb.Open(ctx, recorded, nsysdb.Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("Open with a canceled context: %v", err)
		}
	}
}
