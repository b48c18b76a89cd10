package nsysdb

import (
	"context"

	"github.com/nsysdiff/nsysdiff/trace"
)

// A nameFilter says which kernel names the patterns of a scope let through.
// The zero value lets all through.
type nameFilter struct {
	active bool
	why    map[int64]trace.Condition // names left out
	known  map[int64]bool            // names in the report
	scope  *trace.Scope
}

func (f *nameFilter) judge(id int64) trace.Condition {
	switch {
	case !f.active:
		return trace.Satisfied
	case !f.known[id]:
		return f.scope.Name(unresolved(id))
	}
	return f.why[id]
}

// filterNames looks at each string of the report once, so that patterns cost
// nothing for each launch.
func (db *DB) filterNames(ctx context.Context, s *trace.Scope) (nameFilter, error) {
	if s.Kernel == nil && s.Exclude == nil {
		return nameFilter{}, nil
	}
	f := nameFilter{active: true, scope: s, why: map[int64]trace.Condition{}, known: map[int64]bool{}}
	err := db.eachString(ctx, func(id int64, value []byte) {
		f.known[id] = true
		if why := s.Name(string(value)); why != trace.Satisfied {
			f.why[id] = why
		}
	})
	return f, err
}
