package align

import (
	"fmt"
	"strings"
)

// moduleCause looks for modules that one side does not call: NVTX ranges all
// of whose launches are missing, and without ranges, runs of missing launches.
func (c *comparer) moduleCause(r *Result) {
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
		c.moduleNotCalled(r, i, j, module)
		i = j
	}
}

// minModule is how many missing launches in a row make a module where no NVTX
// range does.
const minModule = 3

func (c *comparer) moduleNotCalled(r *Result, i, j int, module string) {
	if module == "" && j-i < minModule || c.o.Regression {
		return
	}
	cause := Cause{Code: CauseModuleNotCalled}
	var seen evidence
	indexer := false
	for k := i; k < j; k++ {
		s := &r.Sites[k]
		if s.otherDtype() {
			return
		}
		cause.Sites = append(cause.Sites, s.Index)
		seen.add(func() string {
			return fmt.Sprintf("%s: %s a launch in the E2E, none in the mock", c.short(s.E2EName), duration(s.E2E.MedianNS))
		})
		indexer = indexer || c.kindOf(s) == KindIndexer
	}
	cause.Evidence = seen.shown()
	n := count(j-i, "launch")
	switch {
	case module != "":
		name := module[strings.LastIndex(module, "\x00")+1:]
		cause.Message = fmt.Sprintf("the mock does not call %s: all %s of that NVTX range are missing", name, n)
		cause.Fix = fmt.Sprintf("call %s in the mock", name)
	case indexer:
		cause.Message = fmt.Sprintf("the mock does not call the indexer: %s in a row are missing, an indexer's scores among them", n)
		cause.Fix = "call the indexer in the mock"
	default:
		cause.Message = fmt.Sprintf("the mock does not call a part of the operation: %s in a row are missing", n)
		cause.Fix = "call what launches them in the mock"
	}
	r.Causes = append(r.Causes, cause)
}
