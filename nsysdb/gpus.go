package nsysdb

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/trace"
)

// gpus reads the GPUs of the machine.
func (d *describer) gpus() {
	add := func(id, name, sms, major, minor, memory table.Value, kHz int64) {
		g := trace.GPU{ID: int(num(id)), Name: str(name), SMs: int(num(sms)), MemoryBytes: num(memory), ClockRateKHz: kHz}
		if n := num(major); n > 0 {
			g.Compute = fmt.Sprintf("%d.%d", n, num(minor))
		}
		d.c.GPUs = append(d.c.GPUs, g)
	}
	d.rows("TARGET_INFO_GPU", []string{"id", "name", "smCount", "computeMajor", "computeMinor", "totalMemory", "clockRate"},
		func(r []table.Value) { add(r[0], r[1], r[2], r[3], r[4], r[5], num(r[6])/1000) }) // clockRate is in Hz
	if len(d.c.GPUs) == 0 { // exports of 2020 and early 2021; coreClockRate is CUPTI's, in kHz
		d.rows("TARGET_INFO_CUDA_GPU", []string{"deviceId", "name", "numMultiprocessors", "computeCapabilityMajor", "computeCapabilityMinor", "globalMemorySize", "coreClockRate"},
			func(r []table.Value) { add(r[0], r[1], r[2], r[3], r[4], r[5], num(r[6])) })
	}
	slices.SortStableFunc(d.c.GPUs, func(a, b trace.GPU) int { return cmp.Compare(a.ID, b.ID) })
}

// A cudaDevice is a device as a process numbers it: CUDA_VISIBLE_DEVICES chooses
// and orders those that it sees.
type cudaDevice struct{ pid, id int }

// tellDevices reads which GPU each device of a process is: gpuId is an id of
// TARGET_INFO_GPU, pid the operating system's. Old exports have no such table.
func (d *describer) tellDevices() {
	d.devices = map[cudaDevice]int{}
	d.rows("TARGET_INFO_CUDA_DEVICE", []string{"pid", "cudaId", "gpuId"}, func(r []table.Value) {
		d.devices[cudaDevice{int(num(r[0])), int(num(r[1]))}] = int(num(r[2]))
	})
}

// gpusOf returns the GPUs that launches ran on. It is all of the machine's where
// the report does not tell of some launches.
func (db *DB) gpusOf(tracks []trace.Track) []trace.GPU {
	used := map[int]bool{}
	for _, t := range tracks {
		gpu, ok := db.said.devices[cudaDevice{t.PID, t.Device}]
		if !ok || !slices.ContainsFunc(db.capture.GPUs, func(g trace.GPU) bool { return g.ID == gpu }) {
			return slices.Clone(db.capture.GPUs)
		}
		used[gpu] = true
	}
	if len(used) == 0 {
		return slices.Clone(db.capture.GPUs)
	}
	return slices.DeleteFunc(slices.Clone(db.capture.GPUs), func(g trace.GPU) bool { return !used[g.ID] })
}
