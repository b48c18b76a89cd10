// Package pages reads the tables of a SQLite file without SQLite: it decodes
// the pages of a table's b-tree itself, on all cores, straight into columns.
//
// A file is a row of pages of equal size. The rows of a table lie in the leaf
// pages of a b-tree, in order of rowid; interior pages hold the numbers of the
// pages below them and the greatest rowid that each may hold. A row is a
// record: a header with one serial type per column, which says what the value
// is and how many bytes it takes, then the values. Rows of one table share a
// few headers, so where the wanted columns lie is worked out once per header,
// and most of the work left is reading big-endian integers at known places. On
// amd64 that loop is in assembly, for processors with AVX2 and BMI2; the build
// tag purego leaves it out.
//
// Sections in comments (§) are those of https://www.sqlite.org/fileformat2.html.
//
// # What it reads
//
// The package takes ordinary rowid tables of a file at rest, and refuses, with
// an error that wraps [table.ErrUnsupported], whatever it does not recognise
// in full, so that SQLite can read it, or say what is wrong with it: a journal
// or write-ahead log beside the file, another text encoding, tables without
// rowids, generated columns, virtual tables, table constraints, values of
// another type than their column's, and damage.
//
// Damage is found where looking for it costs nothing: page numbers, types and
// depths, cells inside their page, rowids ascending within the bounds that
// interior pages give them (so that no page is met twice), records as long as
// their header says, overflow pages that end with the record. Values that were
// altered inside a sound structure look like any others, to SQLite as to this
// package, and so does a record that has the overflow pages of another.
package pages
