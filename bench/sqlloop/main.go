// Sqlloop sums up the kernels of a report by name, with exact quantiles, the way
// a Go program does that knows nothing but database/sql.
//
//	sqlloop report.sqlite
package main

import (
	"database/sql"
	"fmt"
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
	rows, err := db.Query("SELECT demangledName, start, end, deviceId, graphNodeId FROM CUPTI_ACTIVITY_KIND_KERNEL")
	if err != nil {
		return err
	}
	defer rows.Close()
	durations := map[int64][]int64{}
	for rows.Next() {
		var name, start, end, device int64
		var node sql.NullInt64
		if err := rows.Scan(&name, &start, &end, &device, &node); err != nil {
			return err
		}
		durations[name] = append(durations[name], end-start)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for name, ns := range durations {
		slices.Sort(ns)
		var sum int64
		for _, d := range ns {
			sum += d
		}
		last := float64(len(ns) - 1)
		fmt.Println(name, len(ns), sum, ns[0], ns[int(0.05*last)], ns[int(0.5*last)], ns[int(0.95*last)], ns[len(ns)-1])
	}
	return nil
}
