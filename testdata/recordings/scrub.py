"""Removes from an Nsight Systems SQLite export what identifies the host it was recorded on.

    scrub.py report.sqlite...

Works in place. Everything on CUDA, NVTX, enums and diagnostics stays as it was
exported; environment variables, the programs' output, host and user names,
paths, host threads and the GPU's UUID go, and for size the API calls that only
ask for something. Then the file is vacuumed and every
text in it is searched for what must not be there: status 1 if any is.
"""

import os
import re
import socket
import sqlite3
import sys

HOST = "gpu-host"
KEPT_SYSTEM_ENV = ("CpuCores", "CpuArchitecture", "NvDriverVersion", "Hostname", "ExportLevel")
NO_UUID = "00000000-0000-0000-0000-000000000000"

# Calls that put nothing on a GPU and wait for nothing, by the start of their name.
QUERIES = (
    "cuGetProcAddress",
    "cuKernelGet",
    "cuKernelSetAttribute",
    "cuLibraryGetKernel",
    "cuModuleGetLoadingMode",
    "cuOccupancy",
    "cudaEventQuery",
    "cudaGetDeviceProperties",
    "cudaGetDriverEntryPoint",
    "cudaOccupancy",
    "cudaStreamGetCaptureInfo",
    "cudaStreamIsCapturing",
)

# Absolute paths, assignments of environment variables, and addresses of hosts.
SUSPICIOUS = re.compile(
    r"(?<![\w.])/(?:root|home|tmp|opt|usr|var|mnt|srv|work|workspace|etc|proc|dev)/"
    r"|\b(?:PATH|HOME|USER|PWD|SHELL|LD_LIBRARY_PATH|HOSTNAME)="
    r"|\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}:\d+\b"
)


def tables(db):
    return [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]


def columns(db, table):
    return [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]


def string_columns(db):
    """(table, column) of every reference to StringIds, as the exporter's own comments in the schema declare them."""
    for name, sql in db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"):
        for line in sql.splitlines():
            if "REFERENCES StringIds(id)" in line:
                yield name, line.split()[0]
    if "NVTX_EVENTS" in tables(db):
        yield "NVTX_EVENTS", "jsonTextId"  # declared without REFERENCES


def update(db, table, assignment, where="1", *values):
    if table in tables(db):
        db.execute(f'UPDATE "{table}" SET {assignment} WHERE {where}', values)


def delete(db, table, where="1", *values):
    if table in tables(db):
        db.execute(f'DELETE FROM "{table}" WHERE {where}', values)


def traced_processes(db):
    """globalPid of each process that launched on the GPU or used NVTX."""
    found = set()
    for table, column in (
        ("CUPTI_ACTIVITY_KIND_KERNEL", "globalPid"),
        ("CUPTI_ACTIVITY_KIND_RUNTIME", "globalTid"),
        ("NVTX_EVENTS", "globalTid"),
    ):
        if table in tables(db):
            found |= {row[0] & ~0xFFFFFF for row in db.execute(f"SELECT DISTINCT {column} FROM {table}") if row[0]}
    return found


def drop_queries(db):
    """Drops the API calls that only ask for something: for size, over half of all rows."""
    names = " OR ".join(f"value LIKE '{name}%'" for name in QUERIES)
    delete(db, "CUPTI_ACTIVITY_KIND_RUNTIME", f"nameId IN (SELECT id FROM StringIds WHERE {names})")


def scrub(db):
    delete(db, "ProcessStreams")
    marks = ",".join("?" * len(KEPT_SYSTEM_ENV))
    delete(db, "TARGET_INFO_SYSTEM_ENV", f"name NOT IN ({marks})", *KEPT_SYSTEM_ENV)
    update(db, "TARGET_INFO_SYSTEM_ENV", "value = ?", "name = 'Hostname'", HOST)
    update(db, "ANALYSIS_FILE", "filename = '', contentId = NULL")

    traced = traced_processes(db)
    for table, column in (("PROCESSES", "globalPid"), ("ThreadNames", "globalTid")):
        if table not in tables(db):
            continue
        for rowid, value in db.execute(f"SELECT rowid, {column} FROM {table}").fetchall():
            main_thread = table == "PROCESSES" or value & 0xFFFFFF == value >> 24 & 0xFFFFFF
            if value & ~0xFFFFFF not in traced or not main_thread:
                db.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowid,))

    update(db, "TARGET_INFO_GPU", "uuid = ?, luid = 0, pwGpuId = 0, ctxswDevPath = '', ctrlDevPath = ''", "1", NO_UUID)
    for table in tables(db):
        if table != "TARGET_INFO_GPU" and "uuid" in columns(db, table):
            update(db, table, "uuid = ?", "1", NO_UUID)

    update(db, "META_DATA_CAPTURE", "value = ?", "name = 'DEVICE_DISPLAY_NAME'", HOST)
    delete(db, "META_DATA_CAPTURE", "name LIKE '%ENVIRONMENT%' OR name LIKE '%WORKING_DIR%' OR name LIKE '%USER_NAME'")
    for rowid, value in db.execute(
        "SELECT rowid, value FROM META_DATA_CAPTURE WHERE name LIKE 'PROCESS\\_%:COMMAND' ESCAPE '\\'"
        " OR name LIKE 'PROCESS\\_%:ARGUMENT\\_%' ESCAPE '\\'"
    ).fetchall():
        db.execute("UPDATE META_DATA_CAPTURE SET value = ? WHERE rowid = ?", (os.path.basename(value), rowid))
    update(db, "META_DATA_EXPORT", "value = ?", "name = 'EXPORT_HOST'", HOST)
    update(db, "META_DATA_EXPORT", "value = ''", "name = 'EXPORT_USER' OR name LIKE 'EXPORT_PARAM_%_PATH%'")
    for rowid, value in db.execute(
        "SELECT rowid, value FROM META_DATA_EXPORT WHERE name LIKE 'EXPORT_PARAM_%_FILE'"
    ).fetchall():
        db.execute("UPDATE META_DATA_EXPORT SET value = ? WHERE rowid = ?", (os.path.basename(value), rowid))

    # Where the profiler lies, and where it kept the program's output.
    update(db, "DIAGNOSTIC_EVENT", "text = 'Loaded CUPTI library'", "text LIKE 'Loaded CUPTI library: %'")
    delete(db, "DIAGNOSTIC_EVENT", "text LIKE 'Process was launched by the profiler, see %'")
    drop_queries(db)

    used = set()
    for table, column in string_columns(db):
        used |= {row[0] for row in db.execute(f'SELECT DISTINCT "{column}" FROM "{table}"') if row[0] is not None}
    db.executemany("DELETE FROM StringIds WHERE id = ?", [(i,) for (i,) in db.execute("SELECT id FROM StringIds").fetchall() if i not in used])
    # A program started by its path is named by it.
    for rowid, value in db.execute("SELECT id, value FROM StringIds WHERE value LIKE '/%'").fetchall():
        db.execute("UPDATE StringIds SET value = ? WHERE id = ?", (os.path.basename(value), rowid))
    if "PROCESSES" in tables(db) and "name" in columns(db, "PROCESSES"):
        for rowid, value in db.execute("SELECT rowid, name FROM PROCESSES WHERE name LIKE '/%'").fetchall():
            db.execute("UPDATE PROCESSES SET name = ? WHERE rowid = ?", (os.path.basename(value), rowid))


def leaks(db):
    """Each text that still looks like a fact about the host."""
    host = re.compile(rf"(?<!\w){re.escape(socket.gethostname())}(?!\w)")
    for table in tables(db):
        for column in columns(db, table):
            for (value,) in db.execute(f"SELECT DISTINCT \"{column}\" FROM \"{table}\" WHERE typeof(\"{column}\") IN ('text', 'blob')"):
                text = value if isinstance(value, str) else bytes(value).decode("utf-8", "replace")
                if SUSPICIOUS.search(text) or host.search(text):
                    yield f"{table}.{column}: {text[:200]!r}"


def main():
    leaked = False
    for path in sys.argv[1:]:
        db = sqlite3.connect(path, isolation_level=None)
        db.text_factory = lambda b: b.decode("utf-8", "surrogateescape")
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("BEGIN")
        scrub(db)
        db.execute("COMMIT")
        db.execute("VACUUM")
        for leak in leaks(db):
            print(f"{path}: {leak}", file=sys.stderr)
            leaked = True
        db.close()
    sys.exit(leaked)


if __name__ == "__main__":
    main()
