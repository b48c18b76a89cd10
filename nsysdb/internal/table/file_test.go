package table_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// write writes a file and sets its time, which Changed goes by.
func write(t *testing.T, path string, content []byte, at time.Time) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// TestFile changes one thing about a file, or what lies beside it.
func TestFile(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 64)
	other := bytes.Clone(content)
	other[table.HeaderSize-1]++
	at := time.Date(2024, 5, 6, 7, 8, 9, 10_000_000, time.UTC)
	for _, c := range []struct {
		name   string
		before string // name of what lies beside the file when it is opened
		log    string // name of the log that File.Log tells
		change func(t *testing.T, path string) error
		want   bool
	}{
		{"nothing", "", "", func(*testing.T, string) error { return nil }, false},
		{"written again", "", "", func(t *testing.T, path string) error { write(t, path, content, at); return nil }, false},
		{"another time", "", "", func(t *testing.T, path string) error { write(t, path, content, at.Add(-time.Microsecond)); return nil }, true},
		{"another header", "", "", func(t *testing.T, path string) error { write(t, path, other, at); return nil }, true},
		{"longer", "", "", func(t *testing.T, path string) error { write(t, path, append(bytes.Clone(content), 0), at); return nil }, true},
		{"shorter than its header", "", "", func(t *testing.T, path string) error { write(t, path, content[:50], at); return nil }, true},
		{"removed", "", "", func(_ *testing.T, path string) error { return os.Remove(path) }, false},
		{"replaced", "", "", func(t *testing.T, path string) error {
			write(t, path+".new", content, at)
			return os.Rename(path+".new", path)
		}, true},
		{"a journal", "", "", func(t *testing.T, path string) error { write(t, path+"-journal", content, at); return nil }, true},
		{"a log", "", "", func(t *testing.T, path string) error { write(t, path+"-wal", content, at); return nil }, true},
		{"an empty log", "", "", func(t *testing.T, path string) error { write(t, path+"-wal", nil, at); return nil }, false},
		{"a directory of that name", "", "", func(_ *testing.T, path string) error { return os.Mkdir(path+"-wal", 0o700) }, false},
		{"a log that was there grows", "db-wal", "db-wal", func(t *testing.T, path string) error { write(t, path+"-wal", other, at); return nil }, false},
		{"a log beside one that was there", "db-journal", "db-journal", func(t *testing.T, path string) error { write(t, path+"-wal", content, at); return nil }, false},
		{"another time, with a log", "db-wal", "db-wal", func(t *testing.T, path string) error { write(t, path, content, at.Add(time.Second)); return nil }, true},
		{"nothing, with a log beside the link", "link-wal", "link-wal", func(*testing.T, string) error { return nil }, false},
		{"a journal beside the link", "", "", func(t *testing.T, path string) error {
			write(t, filepath.Join(filepath.Dir(path), "link-journal"), content, at)
			return nil
		}, true},
	} {
		dir := t.TempDir()
		path, link := filepath.Join(dir, "db"), filepath.Join(dir, "link")
		write(t, path, content, at)
		if c.before != "" {
			write(t, filepath.Join(dir, c.before), content, at)
		}
		if err := os.Symlink(path, link); err != nil {
			t.Skip(err)
		}
		f, err := table.OpenFile(link)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := filepath.EvalSymlinks(path); f.Real != want || err != nil {
			t.Errorf("%s: real path %s, %v, want %s", c.name, f.Real, err, want)
		}
		if !bytes.Equal(f.Header, content[:table.HeaderSize]) || f.Size != int64(len(content)) || !f.ModTime.Equal(at) {
			t.Errorf("%s: %d bytes of %v, header %q", c.name, f.Size, f.ModTime, f.Header)
		}
		if f.Log != c.log && filepath.Base(f.Log) != c.log {
			t.Errorf("%s: log %q, want %q", c.name, f.Log, c.log)
		}
		if err := c.change(t, path); err != nil {
			t.Fatal(err)
		}
		if changed, err := f.Changed(); changed != c.want || err != nil {
			t.Errorf("%s: changed: %v, %v, want %v", c.name, changed, err, c.want)
		}
		f.Close()
	}
}

func TestFileErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := table.OpenFile(dir); !errors.Is(err, table.ErrNotRegular) {
		t.Errorf("a directory: %v", err)
	}
	if _, err := table.OpenFile(filepath.Join(dir, "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	long := filepath.Join(dir, strings.Repeat("x", 250)) // with -journal after it no name
	write(t, long, []byte("long"), time.Now())
	if f, err := table.OpenFile(long); err != nil || f.Log != "" {
		t.Errorf("a long name: %v", err)
	} else {
		f.Close()
	}
	// As a shell gives the name of a file that it has removed.
	removed := filepath.Join(dir, "removed")
	write(t, removed, []byte("removed"), time.Now())
	held, err := os.Open(removed)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := os.Remove(removed); err != nil {
		t.Fatal(err)
	}
	if link := fmt.Sprintf("/proc/self/fd/%d", held.Fd()); exists(link) {
		f, err := table.OpenFile(link)
		if err != nil {
			t.Fatalf("a removed file: %v", err)
		}
		if changed, err := f.Changed(); changed || err != nil || f.Log != "" {
			t.Errorf("a removed file: changed: %v, %v, log %q", changed, err, f.Log)
		}
		f.Close()
	}
	short := filepath.Join(dir, "short")
	write(t, short, []byte("short"), time.Now())
	f, err := table.OpenFile(short)
	if err != nil || string(f.Header) != "short" {
		t.Fatalf("short: %v", err)
	}
	if changed, err := f.Changed(); changed || err != nil {
		t.Errorf("short: changed: %v, %v", changed, err)
	}
	f.Close()
	if _, err := f.Changed(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
