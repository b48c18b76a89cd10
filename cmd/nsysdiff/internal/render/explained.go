package render

import (
	"slices"

	"github.com/nsysdiff/nsysdiff/align"
)

// explained returns the findings that each cause explains, which stand below it,
// and the rest, in their order.
//
// A finding has the code of its cause, which several causes may have: of these it
// is the first that is about all sites of the finding, or if none is, the first.
func explained(r *align.Result) (byCause [][]*align.Finding, rest []*align.Finding) {
	byCause = make([][]*align.Finding, len(r.Causes))
	first := map[string]int{} // by code
	about := map[int][]int{}  // by site: the causes that are about it
	for k := range r.Causes {
		c := &r.Causes[k]
		if _, ok := first[c.Code]; !ok {
			first[c.Code] = k
		}
		for _, s := range c.Sites {
			about[s] = append(about[s], k)
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		k, ok := first[f.Cause]
		if f.Cause == "" || !ok {
			rest = append(rest, f)
			continue
		}
		if len(f.Sites) > 0 {
			for _, of := range about[f.Sites[0]] {
				if r.Causes[of].Code == f.Cause && !slices.ContainsFunc(f.Sites, func(s int) bool { return !slices.Contains(about[s], of) }) {
					k = of
					break
				}
			}
		}
		byCause[k] = append(byCause[k], f)
	}
	return byCause, rest
}
