// Sqlloop sums up the kernels of a report by name, with their order statistics,
// the way a Go program does that knows nothing but database/sql.
//
//	sqlloop report.sqlite
package main

import (
	"database/sql"
	"fmt"
	"maps"
	"os"
	"slices"

	_ "github.com/mattn/go-sqlite3"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "sqlloop:", err)
		os.Exit(2)
	}
}

func run(path string) error {
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro&immutable=1")
	if err != nil {
		return err
	}
	defer db.Close()
	names := map[int64]string{}
	err = each(db, "SELECT id, value FROM StringIds", func(rows *sql.Rows) error {
		var id int64
		var name string
		err := rows.Scan(&id, &name)
		names[id] = name
		return err
	})
	if err != nil {
		return err
	}
	durations := map[string][]int64{}
	err = each(db, "SELECT demangledName, start, end, deviceId, graphNodeId FROM CUPTI_ACTIVITY_KIND_KERNEL", func(rows *sql.Rows) error {
		var name, start, end, device int64
		var node sql.NullInt64
		err := rows.Scan(&name, &start, &end, &device, &node)
		durations[names[name]] = append(durations[names[name]], end-start)
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(durations)) {
		ns := durations[name]
		slices.Sort(ns)
		var sum int64
		for _, d := range ns {
			sum += d
		}
		last := float64(len(ns) - 1)
		fmt.Printf("%d,%d,%d,%d,%d,%d,%d,%s\n", len(ns), sum, ns[0], ns[int(0.05*last)], ns[int(0.5*last)], ns[int(0.95*last)], ns[len(ns)-1], name)
	}
	return nil
}

// each calls fn with each row that a query returns.
func each(db *sql.DB, query string, fn func(*sql.Rows) error) error {
	rows, err := db.Query(query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
