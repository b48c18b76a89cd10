package nsysdb

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/trace"
)

// memcpyLabels are the labels of ENUM_CUDA_MEMCPY_OPER, for exports of 2020
// and early 2021, which have no such table.
var memcpyLabels = [...]string{
	"Unknown", "Host-to-Device", "Device-to-Host", "Host-to-Array", "Array-to-Host", "Array-to-Array", "Array-to-Device",
	"Device-to-Array", "Device-to-Device", "Host-to-Host", "Peer-to-Peer",
	"Unified Host-to-Device", "Unified Device-to-Host", "Unified Device-to-Device",
}

// memsetName and memcpyName name operations as Nsight Systems' own reports
// cuda_gpu_sum and cuda_gpu_mem_time_sum do.
const memsetName = "[CUDA memset]"

func memcpyName(label string) string { return "[CUDA memcpy " + label + "]" }

// copyNames returns the names of the kinds of copies.
func (db *DB) copyNames(ctx context.Context) (func(kind int64) string, error) {
	labels := map[int64]string{}
	for id, label := range memcpyLabels {
		labels[int64(id)] = label
	}
	const name = "ENUM_CUDA_MEMCPY_OPER"
	if t, ok := db.layout.tables[name]; ok && t.Has("id") && t.Has("label") {
		err := db.src.metadata(ctx, name, []string{"id", "label"}, func(row []table.Value) error {
			if id, ok := row[0].Whole(); ok && row[1].Kind == table.Text {
				labels[id] = string(row[1].Bytes)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return func(kind int64) string {
		label, ok := labels[kind]
		if !ok {
			label = fmt.Sprintf("kind %d", kind)
		}
		return memcpyName(label)
	}, nil
}

// A memOp is a trace.MemOp before its lane has a number.
type memOp struct {
	trace.MemOp
	lane trace.Lane
}

// readMemOps reads the memory copies and sets in scope. Patterns for kernel
// names do not concern them; NVTX patterns are not applied to them.
func (db *DB) readMemOps(ctx context.Context, r *kernelReader, strings *stringTable, progress *progress) ([]memOp, error) {
	copyName, err := db.copyNames(ctx)
	if err != nil {
		return nil, err
	}
	var ops []memOp
	read := func(name string, opName func(kind int64) string) error {
		if name == "" {
			return nil
		}
		cols := db.layout.columns(name)
		start, end, bytes := cols.need("start"), cols.need("end"), cols.need("bytes")
		device, context, stream := cols.need("deviceId"), cols.need("contextId"), cols.need("streamId")
		pid, kind := cols.need("globalPid"), cols.need("copyKind")
		absent, count := []int64(nil), progress.table()
		return db.src.intsInOrder(ctx, name, cols.names, table.IntsOptions{}, func(b table.Batch) error {
			count.add(b.N)
			for len(absent) < b.N {
				absent = append(absent, null)
			}
			at := func(col, i int) int64 {
				if col < 0 {
					return absent[i]
				}
				return b.Columns[col][i]
			}
			for i := range b.N {
				c := rawConfig{pid: uint64(at(pid, i)), device: zero(at(device, i)), context: zero(at(context, i)), stream: zero(at(stream, i))}
				if at(pid, i) == null {
					c.pid = r.onlyPID
				}
				t := at(start, i)
				if judge(r.scope, nameFilter{}, &c) != trace.Satisfied || t < r.from || t >= r.to {
					continue
				}
				ops = append(ops, memOp{
					MemOp: trace.MemOp{Start: t, Duration: max(0, at(end, i)-t), Bytes: zero(at(bytes, i)), Name: strings.id(opName(at(kind, i)))},
					lane:  c.lane(),
				})
			}
			return nil
		})
	}
	if err := read(db.layout.memcpys, copyName); err != nil {
		return nil, err
	}
	if err := read(db.layout.memsets, func(int64) string { return memsetName }); err != nil {
		return nil, err
	}
	slices.SortStableFunc(ops, func(a, b memOp) int { return cmp.Compare(a.Start, b.Start) })
	return ops, nil
}

func (c *rawConfig) lane() trace.Lane {
	return trace.Lane{GlobalPID: c.pid, PID: pidOf(c.pid), Device: int(c.device), Context: int(c.context), Stream: int(c.stream)}
}

func compareLanes(a, b trace.Lane) int {
	return cmp.Or(cmp.Compare(a.GlobalPID, b.GlobalPID), cmp.Compare(a.Device, b.Device), cmp.Compare(a.Context, b.Context), cmp.Compare(a.Stream, b.Stream))
}
