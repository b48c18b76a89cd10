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

// readNodeEvents reads the creations of graph nodes in order of process, node
// id and time.
func (db *DB) readNodeEvents(ctx context.Context) ([]nodeEvent, error) {
	if db.layout.nodes == "" {
		return nil, nil
	}
	cols := db.layout.columns(db.layout.nodes)
	start, tid, id, original := cols.need("start"), cols.need("globalTid"), cols.need("graphNodeId"), cols.need("originalGraphNodeId")
	var mu sync.Mutex
	var events []nodeEvent
	err := db.src.ints(ctx, db.layout.nodes, cols.names, db.numWorkers(), func() { events = nil }, func(b table.Batch) error {
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

func findNode(events []nodeEvent, key nodeKey) (nodeEvent, bool) {
	i, ok := slices.BinarySearchFunc(events, key, func(e nodeEvent, key nodeKey) int { return compareNodeKeys(e.key, key) })
	if !ok {
		return nodeEvent{}, false
	}
	return events[i], true
}

// maxClones bounds the chain from a node to its original. Instantiation makes
// one step and cloning a graph another.
const maxClones = 16

// captured follows a node to the one that was made during capture. ok is
// false where the report does not hold that, or where the chain has no end.
func captured(events []nodeEvent, key nodeKey) (e nodeEvent, ok bool) {
	for range maxClones {
		if e, ok = findNode(events, key); !ok || e.original == 0 || e.original == key.id {
			return e, ok
		}
		key.id = e.original
	}
	return nodeEvent{}, false
}

// makeNodes fills in t.Nodes from the nodes that launches refer to, in the
// order in which they were made, and lets the launches refer to that. It
// returns which nodes' capture the report holds.
func makeNodes(t *trace.Trace, used []nodeKey, events []nodeEvent, lines map[uint64]*timeline) (known []bool) {
	type made struct {
		nodeEvent
		key   nodeKey
		index uint32 // in used
		known bool
	}
	nodes := make([]made, len(used))
	for i, key := range used {
		m := made{key: key, index: uint32(i)}
		if e, ok := captured(events, key); ok {
			m.nodeEvent, m.known = e, true
		} else if e, ok := findNode(events, key); ok {
			m.nodeEvent = e // for the order alone
		}
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
	renumber := make([]uint32, len(used))
	known = make([]bool, len(used))
	t.Nodes = make([]trace.Node, len(used))
	for i, m := range nodes {
		g := graph{m.key.pid, uint32(m.key.id >> 32)}
		n := trace.Node{ID: m.key.id, Order: size[g], Range: trace.None}
		size[g]++
		if m.known {
			n.Range = lines[m.thread].find(m.start)
		}
		t.Nodes[i], known[i] = n, m.known
		renumber[m.index] = uint32(i)
	}
	node := t.Launches.Node
	for i, n := range node {
		if n != trace.None {
			node[i] = renumber[n]
		}
	}
	return known
}
