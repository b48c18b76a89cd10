package nsysdb

// Nsight Systems serializes process and thread ids into one number,
//
//	globalTid = HW:8 | VM:8 | PID:24 | TID:24
//
// and a globalPid is one with a TID of 0
// (https://docs.nvidia.com/nsight-systems/UserGuide/index.html#common-sqlite-examples).
// The top bit may be set, so they are unsigned here though SQLite's integers
// are signed.

const tidMask = 0xFFFFFF

// processOf returns the globalPid of a globalTid.
func processOf(globalTid uint64) uint64 { return globalTid &^ tidMask }

// pidOf returns the operating system's process id.
func pidOf(globalPid uint64) int { return int(globalPid >> 24 & 0xFFFFFF) }
