#!/bin/sh
# Writes what "nsys stats" says of each report of testdata, as CSV, beside this script:
#
#	testdata/nsys-stats/run.sh [report.sqlite...]
#
# Tests hold nsysdiff's figures against these files. Needs Nsight Systems (no GPU); NSYS names it
# where it is not on the PATH. A report that has nothing for a table gets no file for it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
nsys=${NSYS:-nsys}
tables="cuda_gpu_kern_sum cuda_gpu_sum cuda_gpu_mem_time_sum nvtx_gpu_proj_sum"
[ $# -gt 0 ] || set -- "$here"/../*.sqlite

# nsys stats may write beside its input.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for report; do
	name=$(basename "$report" .sqlite)
	cp "$report" "$work/$name.sqlite"
	for table in $tables; do
		rm -f "$here/$name.$table.csv"
		"$nsys" stats --quiet --report "$table" --format csv --output "$work/$name" "$work/$name.sqlite" >"$work/log" 2>&1 ||
			{ cat "$work/log" >&2; exit 1; }
		made=$work/${name}_$table.csv
		if [ -s "$made" ]; then
			mv "$made" "$here/$name.$table.csv"
		fi
	done
	rm "$work/$name.sqlite"
done
"$nsys" --version >"$here/VERSION"
