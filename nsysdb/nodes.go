package nsysdb

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/trace"
)

// A nodeEvent is the creation of a graph node: in a graph that is captured or
// built or, with an original, in one that is instantiated from it.
type nodeEvent struct {
	key      nodeKey
	start    int64
	thread   uint64
	original uint64 // node that this one is a clone of; 0 for none
}

// nodeEvents are creations of graph nodes in order of process, node id and
// time.
type nodeEvents []nodeEvent

// readNodeEvents reads the creations of graph nodes.
func (db *DB) readNodeEvents(ctx context.Context) (nodeEvents, error) {
	if db.layout.nodes == "" {
		return nil, nil
	}
	cols := db.layout.columns(db.layout.nodes)
	start, tid, id, original := cols.need("start"), cols.need("globalTid"), cols.need("graphNodeId"), cols.need("originalGraphNodeId")
	var mu sync.Mutex
	var events nodeEvents
	opts := table.IntsOptions{Workers: db.numWorkers()}
	err := db.src.ints(ctx, db.layout.nodes, cols.names, opts, func() { events = nil }, func(b table.Batch) error {
		mu.Lock()
		defer mu.Unlock()
		for i := range b.N {
			if !isGraphNode(b.Columns[id][i]) {
				continue
			}
			thread := uint64(zero(b.Columns[tid][i]))
			e := nodeEvent{key: nodeKey{processOf(thread), uint64(b.Columns[id][i])}, start: b.Columns[start][i], thread: thread}
			if original >= 0 {
				e.original = uint64(zero(b.Columns[original][i]))
			}
			events = append(events, e)
		}
		return nil
	})
	// Instantiation records a node twice, as made and then as cloned from its
	// original: the row with the original goes first.
	slices.SortFunc(events, func(a, b nodeEvent) int {
		return cmp.Or(compareNodeKeys(a.key, b.key), -cmp.Compare(min(a.original, 1), min(b.original, 1)),
			cmp.Compare(a.start, b.start), cmp.Compare(a.original, b.original), cmp.Compare(a.thread, b.thread))
	})
	return events, err
}

func (events nodeEvents) find(key nodeKey) (nodeEvent, bool) {
	i, ok := slices.BinarySearchFunc(events, key, func(e nodeEvent, key nodeKey) int { return compareNodeKeys(e.key, key) })
	if !ok {
		return nodeEvent{}, false
	}
	return events[i], true
}

// maxClones bounds the chain from a node to its original. Instantiation makes
// one step and cloning a graph another.
const maxClones = 16

// captured follows a node to the one that was made during capture. known is
// false where the report does not hold that, or where the chain has no end; e
// is then the creation of the node itself, if the report holds that.
func (events nodeEvents) captured(key nodeKey) (e nodeEvent, known bool) {
	at := key
	for range maxClones {
		e, ok := events.find(at)
		if !ok {
			break
		}
		if e.original == 0 || e.original == at.id {
			return e, true
		}
		at.id = e.original
	}
	e, _ = events.find(key)
	return e, false
}

// makeNodes fills in t.Nodes from the nodes that launches refer to, in the
// order in which they were made. It returns the index that each of used has
// there, and of which nodes, by index, the report holds the capture.
func makeNodes(t *trace.Trace, used []nodeKey, events nodeEvents, lines map[uint64]*timeline) (index []uint32, known []bool) {
	if len(used) == 0 {
		return nil, nil
	}
	type made struct {
		nodeEvent
		key   nodeKey
		used  int // index in used
		known bool
	}
	nodes := make([]made, len(used))
	for i, key := range used {
		m := made{key: key, used: i}
		m.nodeEvent, m.known = events.captured(key)
		nodes[i] = m
	}
	slices.SortFunc(nodes, func(a, b made) int {
		return cmp.Or(cmp.Compare(a.key.pid, b.key.pid), cmp.Compare(a.start, b.start), cmp.Compare(a.key.id, b.key.id))
	})

	// In the recorded reports the upper half of a node id is the id of its
	// graph in CUDA_GRAPH_EVENTS.
	type graph struct {
		pid uint64
		id  uint32
	}
	size := map[graph]uint32{}
	index = make([]uint32, len(used))
	known = make([]bool, len(used))
	t.Nodes = make([]trace.Node, len(used))
	for i, m := range nodes {
		g := graph{m.key.pid, uint32(m.key.id >> 32)}
		n := trace.Node{ID: m.key.id, Order: size[g], Range: trace.None}
		size[g]++
		if line := lines[m.thread]; m.known && line != nil {
			n.Range = line.find(m.start)
		}
		t.Nodes[i], known[i] = n, m.known
		index[m.used] = uint32(i)
	}
	return index, known
}
