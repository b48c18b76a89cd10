package align

import "strings"

// Family returns the kernel name without what tuning chooses (tile, stages,
// cluster, architecture) but with what changes the maths. It never returns ""
// for a name that is not empty.
func Family(name string) string {
	if rest, ok := strings.CutPrefix(name, "nvjet_"); ok {
		return nvjetFamily(rest)
	}
	if strings.HasPrefix(name, "triton_") {
		if f := strings.TrimRight(name, "0123456789"); strings.HasSuffix(f, "_") {
			return f[:len(f)-1]
		}
	}
	return name
}

// nvjetFamily keeps the data types, the epilogue and the layout.
func nvjetFamily(rest string) string {
	kept := []string{"nvjet"}
	for part := range strings.SplitSeq(rest, "_") {
		switch {
		case part == "", part == "h", part == "v", part == "bz", part == "splitK",
			strings.HasPrefix(part, "coop"), strings.HasPrefix(part, "sm"),
			part[0] >= '0' && part[0] <= '9':
		default:
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "_")
}
