package nsysdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// sqliteMagic begins every SQLite database,
// https://www.sqlite.org/fileformat2.html#the_database_header.
const sqliteMagic = "SQLite format 3\x00"

// probe looks at a file before SQLite does and says what is wrong with it as
// a file. It returns nil for what looks like a whole SQLite database.
func probe(path string) error {
	fail := func(kind Kind, problem, hint string, err error) error {
		return &Error{Path: path, Kind: kind, Problem: problem, Hint: hint, Err: err}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		hint := ""
		rep := strings.TrimSuffix(path, filepath.Ext(path)) + ".nsys-rep"
		if _, err := os.Stat(rep); err == nil {
			hint = "there is a report of that name: " + exportHint(shellQuote(rep))
		}
		return fail(NotFound, "no such file", hint, err)
	case errors.Is(err, fs.ErrPermission):
		return fail(Permission, "no permission to read it", "", err)
	case err != nil:
		return explain(path, err)
	case info.IsDir():
		return fail(Directory, "is a directory, not an exported report", "name the .sqlite file in it", nil)
	case !info.Mode().IsRegular():
		return fail(NotRegular, "not a regular file", "write it to a file first", nil)
	}
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fail(Permission, "no permission to read it", "", err)
	case err != nil:
		return explain(path, err)
	}
	defer f.Close()
	head := make([]byte, 4096)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return explain(path, err)
	}
	head = head[:n]

	again := "export it again: `nsys export --type sqlite --force-overwrite true NAME.nsys-rep`"
	if len(head) == 0 {
		return fail(Empty, "is empty (0 bytes)", again, nil)
	}
	if !bytes.HasPrefix(head, []byte(sqliteMagic)) {
		kind, problem, hint := foreign(path, head)
		return fail(kind, problem, hint, nil)
	}
	if want, ok := databaseSize(head); ok && info.Size() < want {
		return fail(Truncated, fmt.Sprintf("is cut off: %d of %d bytes are there", info.Size(), want),
			"copy it again, or "+again, nil)
	}
	return nil
}

// databaseSize returns the size that the header of a database promises. ok is
// false where the header does not say: old libraries left the page count
// stale, which the header shows by two counters that differ.
func databaseSize(head []byte) (size int64, ok bool) {
	if len(head) < 100 {
		return 100, true
	}
	pageSize := int64(binary.BigEndian.Uint16(head[16:]))
	if pageSize == 1 {
		pageSize = 65536
	}
	pages := int64(binary.BigEndian.Uint32(head[28:]))
	if pages == 0 || !bytes.Equal(head[24:28], head[92:96]) {
		return 0, false
	}
	return pages * pageSize, true
}

// foreign tells a file that is not an SQLite database by its beginning and
// its name.
func foreign(path string, head []byte) (kind Kind, problem, hint string) {
	if bytes.HasPrefix(head, []byte("version https://git-lfs.github.com/spec/")) {
		return LFSPointer, "a Git LFS pointer, not the file itself", "fetch the file with `git lfs pull --include " + shellQuote(path) + "`"
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".nsys-rep", ".qdrep":
		return NsysRep, "a report that was not exported to SQLite", exportHint(shellQuote(path))
	case ".qdstrm":
		return NsysRep, "a raw recording of Nsight Systems", "import it with `QdstrmImporter -i " + shellQuote(path) + "`, then " + exportHint("NAME.nsys-rep")
	}
	for _, f := range []struct{ magic, what, hint string }{
		{"\x1f\x8b", "a gzip file", "decompress it with `gunzip " + shellQuote(path) + "`"},
		{"\x28\xb5\x2f\xfd", "a zstd file", "decompress it with `zstd -d " + shellQuote(path) + "`"},
		{"PK\x03\x04", "a zip file", "decompress it with `unzip " + shellQuote(path) + "`"},
		{"\x89HDF\r\n", "an HDF5 file", exportHint("NAME.nsys-rep")},
		{"ARROW1", "an Arrow file", exportHint("NAME.nsys-rep")},
		{"PAR1", "a Parquet file", exportHint("NAME.nsys-rep")},
	} {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return NotSQLite, f.what + ", not an SQLite export", f.hint
		}
	}
	if isText(head) {
		return NotSQLite, "a text file, not an SQLite export", exportHint("NAME.nsys-rep")
	}
	return NotSQLite, "not an SQLite database", "if it is a report of Nsight Systems, " + exportHint(shellQuote(path))
}

func isText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 && len(b) >= utf8.UTFMax {
			return false
		}
		if r < ' ' && !strings.ContainsRune("\t\n\r\f\x1b", r) {
			return false
		}
		b = b[n:]
	}
	return true
}
