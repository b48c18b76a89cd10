package align

import (
	"fmt"
	"strings"
)

// moduleCause looks for modules that one side does not call: NVTX ranges all
// of whose launches are missing, and without ranges, runs of missing launches.
func (c *comparer) moduleCause(r *Result) {
	missing := false
	for i := range r.Sites {
		missing = missing || r.Sites[i].Verdict == Missing
	}
	if !missing {
		return
	}
	whole := map[string]bool{} // by path: all launches inside are missing
	for i := range r.Sites {
		s := &r.Sites[i]
		if s.E2E == nil {
			continue
		}
		for d := range s.NVTX {
			key := strings.Join(s.NVTX[:d+1], "\x00")
			missing := s.Verdict == Missing
			if was, ok := whole[key]; ok {
				whole[key] = was && missing
			} else {
				whole[key] = missing
			}
		}
	}
	var modules uncalled
	for i := 0; i < len(r.Sites); {
		if r.Sites[i].Verdict != Missing {
			i++
			continue
		}
		// The outermost range that is missing as a whole names the module.
		s := &r.Sites[i]
		module := ""
		for d := range s.NVTX {
			if key := strings.Join(s.NVTX[:d+1], "\x00"); whole[key] {
				module = key
				break
			}
		}
		j := i
		for j < len(r.Sites) && r.Sites[j].Verdict == Missing && (module == "" || strings.HasPrefix(strings.Join(r.Sites[j].NVTX, "\x00")+"\x00", module+"\x00")) {
			j++
		}
		if !c.o.Regression && (module != "" || j-i >= minModule) {
			modules.add(r, module, interval{i, j}, c.short)
		}
		i = j
	}
	for _, m := range modules.all {
		r.Causes = append(r.Causes, c.moduleNotCalled(r, m))
	}
}

// uncalled collects modules that the mock does not call. The zero value is ready.
type uncalled struct {
	all   []*uncalledModule
	byKey map[string]*uncalledModule
}

// An uncalledModule is one module, or one after the other where a model has many
// alike.
type uncalledModule struct {
	module string
	runs   []interval // of Result.Sites
}

// add adds a run of missing sites: those of equal short names are one, as they are
// one finding.
func (u *uncalled) add(r *Result, module string, run interval, short func(name string) string) {
	names := []string{module}
	for k := run.start; k < run.end; k++ {
		s := &r.Sites[k]
		if s.otherDtype() {
			return // told by its data type
		}
		names = append(names, short(s.E2EName))
	}
	key := strings.Join(names, "\x00\x00")
	m := u.byKey[key]
	if m == nil {
		if u.byKey == nil {
			u.byKey = map[string]*uncalledModule{}
		}
		m = &uncalledModule{module: module}
		u.byKey[key] = m
		u.all = append(u.all, m)
	}
	m.runs = append(m.runs, run)
}

// minModule is how many missing launches in a row make a module where no NVTX
// range does.
const minModule = 3

func (c *comparer) moduleNotCalled(r *Result, m *uncalledModule) Cause {
	cause := Cause{Code: CauseModuleNotCalled}
	var seen evidence
	indexer, where := false, ""
	if len(m.runs) > 1 {
		where = ", at the first place"
	}
	for i, run := range m.runs {
		for k := run.start; k < run.end; k++ {
			s := &r.Sites[k]
			cause.Sites = append(cause.Sites, s.Index)
			if i > 0 {
				continue // of the same kernels
			}
			seen.add(func() string {
				return fmt.Sprintf("%s: %s a launch in the E2E%s, none in the mock", c.short(s.E2EName), duration(s.E2E.MedianNS), where)
			})
			indexer = indexer || c.kindOf(s) == KindIndexer
		}
	}
	cause.Evidence = seen.shown()
	n := count(m.runs[0].end-m.runs[0].start, "launch")
	switch {
	case m.module != "":
		name := m.module[strings.LastIndex(m.module, "\x00")+1:]
		cause.Message = fmt.Sprintf("the mock does not call %s: all %s of that NVTX range are missing", name, n)
		cause.Fix = fmt.Sprintf("call %s in the mock", name)
	case indexer:
		cause.Message = fmt.Sprintf("the mock does not call the indexer: %s in a row are missing, an indexer's scores among them", n)
		cause.Fix = "call the indexer in the mock"
	default:
		cause.Message = fmt.Sprintf("the mock does not call a part of the operation: %s in a row are missing", n)
		cause.Fix = "call what launches them in the mock"
	}
	if len(m.runs) > 1 {
		cause.Message += fmt.Sprintf(", in each of %d places", len(m.runs))
	}
	return cause
}
