// Package table is how nsysdb reads tables, whatever reads the file. It has
// two implementations: package sqlite, on go-sqlite3, the reference, and
// package pages, which decodes the b-tree pages of ordinary files itself and
// refuses with [ErrUnsupported] every file that it does not recognise in full.
package table

import (
	"context"
	"errors"
	"math"
)

// ErrUnsupported is what package pages returns, wrapped with the reason, for
// anything it leaves to SQLite.
var ErrUnsupported = errors.New("not an ordinary file")

// ErrChanged is what Ints and Rows return, wrapped with the path, for a file
// that was changed while they read it: the rows they gave are worth nothing.
var ErrChanged = errors.New("the file was changed while it was read")

// ErrNotInteger is the error of a value that should be an integer, by Value.Whole.
var ErrNotInteger = errors.New("a value is not an integer")

// A Source reads the tables of one open report. Its methods may be called
// concurrently.
type Source interface {
	// Tables returns those tables and views of the names given that there are, all
	// if names is nil. One whose columns cannot be told has an Err.
	Tables(ctx context.Context, names []string) (map[string]Table, error)

	// Ints calls fn with the rows of a table, in batches, only the named
	// columns. NULL reads as null. A value that is not an integer, by
	// Value.Whole, is an error that wraps ErrNotInteger.
	//
	// Batches arrive concurrently from up to workers goroutines, in no
	// order; Batch.Seq restores the order of rowids.
	Ints(ctx context.Context, name string, columns []string, opts IntsOptions, fn func(Batch) error) error

	// Rows calls fn with the rows of a table in order of rowid, one at a
	// time. It is for small tables and text. row is valid until fn returns.
	Rows(ctx context.Context, name string, columns []string, fn func(row []Value) error) error

	// Count estimates the number of rows of a table, for progress and
	// allocation; it may be too large or too small.
	Count(ctx context.Context, name string) (int64, error)

	// Changed reports whether the file was changed since it was opened.
	Changed() (bool, error)

	Close() error
}

// A Table is a table's definition.
type Table struct {
	Name    string
	Columns []Column // in order of declaration
	Err     error    // why the columns cannot be told, nil if they can
}

// Has reports whether the table has the column.
func (t Table) Has(column string) bool {
	for _, c := range t.Columns {
		if c.Name == column {
			return true
		}
	}
	return false
}

// A Column is a column's definition.
type Column struct {
	Name string
	Type string // declared type, upper case
}

// IntsOptions are the options of Source.Ints.
type IntsOptions struct {
	Workers int   // goroutines; GOMAXPROCS if 0
	Null    int64 // what NULL reads as

	// Keys names further columns, of any type, whose values repeat from row
	// to row. Each row has, instead of those values, the number that Key
	// returned for them: see Batch.Keys.
	Keys []string
	// Key is called by a worker for each combination of values of the key
	// columns that it comes upon, now and then again for one that it had
	// before. It must return the same number for the same values, or an
	// error, which ends the read. row is valid until it returns.
	Key func(worker int, row []Value) (uint32, error)
}

// A Batch is some consecutive rows of a table, perhaps none.
type Batch struct {
	// Seq numbers the batches from 0: in order of Seq they hold the rows in
	// order of rowid. Workers take them up in this order.
	Seq int
	// Turns is what InTurn goes by.
	Turns *Turns
	// Worker is the number of the goroutine that calls, from 0, so that a
	// callback can keep state for each without locks.
	Worker int
	// Columns holds one slice per requested column, all of length N. They
	// are valid until the callback returns.
	Columns [][]int64
	// Keys holds the number of each row's key, nil if no keys were asked
	// for. It is valid until the callback returns.
	Keys []uint32
	N    int
}

// A Value is one value of a row.
type Value struct {
	Kind  Kind
	Int   int64
	Float float64
	Bytes []byte // of text and blobs; valid until the callback returns
}

// Whole returns the integer that a value is: that of an integer, or of a real
// number that can stand for no other. Programs that rewrite reports store real
// numbers in columns of integers, pandas where some of them are NULL.
func (v Value) Whole() (n int64, ok bool) {
	const exact = 1 << 53 // from here on, a float64 stands for several integers
	switch {
	case v.Kind == Integer:
		return v.Int, true
	case v.Kind == Real && v.Float > -exact && v.Float < exact && v.Float == math.Trunc(v.Float):
		return int64(v.Float), true
	}
	return 0, false
}

// A Kind is the storage class of a value.
type Kind uint8

// The storage classes.
const (
	Null Kind = iota
	Integer
	Real
	Text
	Blob
)
