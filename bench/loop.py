"""Sum up the kernels of a report by name the way a script does: a loop over
the rows and a dict, then the order statistics of each kernel's durations.

    python3 loop.py report.sqlite
"""
import sqlite3
import sys

db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro&immutable=1", uri=True)
names = dict(db.execute("SELECT id, value FROM StringIds"))
durations = {}
for name, start, end, device, node in db.execute(
    "SELECT demangledName, start, end, deviceId, graphNodeId FROM CUPTI_ACTIVITY_KIND_KERNEL"
):
    durations.setdefault(names[name], []).append(end - start)
for name, ns in sorted(durations.items()):
    ns.sort()
    print(len(ns), sum(ns), *(ns[int(p * (len(ns) - 1))] for p in (0, 0.05, 0.5, 0.95, 1)), name, sep=",")
