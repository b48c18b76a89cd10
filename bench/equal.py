"""Compare the table that nsysdiff prints of a report with nsys stats' own:

    nsysdiff --format json REPORT >ours.json
    nsys stats --report cuda_gpu_kern_sum --format csv REPORT >theirs.csv
    python3 bench/equal.py ours.json theirs.csv
"""
import csv
import json
import sys

ours = {k["name"]: k for k in json.load(open(sys.argv[1]))["kernels"]}
lines = open(sys.argv[2]).read().splitlines()
start = next(i for i, line in enumerate(lines) if line.startswith("Time (%)"))
rows = [r for r in csv.DictReader(lines[start:]) if r.get("Name")]
differ = 0
for r in rows:
    k = ours.pop(r["Name"], None)
    side = k and (k.get("e2e") or k.get("mock") or k)
    got = side and (side["n"], side["total_ns"], side["min_ns"], side["max_ns"])
    want = tuple(int(r[c]) for c in ("Instances", "Total Time (ns)", "Min (ns)", "Max (ns)"))
    if got != want:
        differ += 1
        print(f"{r['Name'][:60]}: nsysdiff {got}, nsys {want}")
print(f"{len(rows)} kernels, {differ} differ, {len(ours)} only in nsysdiff's")
sys.exit(1 if differ or ours else 0)
