package render

import (
	"bytes"
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"github.com/nsysdiff/nsysdiff/align"
)

// CSV writes one table as RFC 4180 has it: the sites of a comparison, or the
// kernels, and memory operations if asked for, of one report. Times are in
// nanoseconds, shares from 0 to 1.
func CSV(w io.Writer, r *align.Result, o Options) error {
	if r.Mode != align.ModeReport {
		return sitesCSV(w, r)
	}
	c := newCSV(w)
	reportCSV(c, r, o)
	c.Flush()
	return c.Error()
}

func newCSV(w io.Writer) *csv.Writer {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	return c
}

func sitesCSV(w io.Writer, r *align.Result) error {
	mock, e2e := sideNames(r)
	header := []string{"site", mock + "_name", e2e + "_name", "family", "verdict", "variant", "reason",
		"ratio", "ratio_lo", "ratio_hi", "p"}
	for _, side := range []string{mock, e2e} {
		for _, f := range []string{"n", "total_ns", "avg_ns", "med_ns", "min_ns", "max_ns", "stddev_ns", "p5_ns", "p95_ns", "share", "grid", "block"} {
			header = append(header, side+"_"+f)
		}
	}
	header = append(header, "present", "module", "nvtx")
	c := newCSV(w)
	// The writer keeps its first error, which Error returns.
	_ = c.Write(header)
	c.Flush()
	if err := c.Error(); err != nil {
		return err
	}
	return inPieces(w, len(r.Sites), func(b []byte, from, to int) ([]byte, error) {
		out := bytes.NewBuffer(b)
		c := newCSV(out)
		for i := from; i < to; i++ {
			_ = c.Write(siteCSV(&r.Sites[i]))
		}
		c.Flush()
		return out.Bytes(), c.Error()
	})
}

func siteCSV(s *align.Site) []string {
	record := []string{strconv.Itoa(s.Index), csvText(s.MockName), csvText(s.E2EName), csvText(s.Family),
		string(s.Verdict), strconv.FormatBool(s.Variant), csvText(s.Reason),
		optional(s.Ratio), optional(s.RatioLo), optional(s.RatioHi), optional(s.P)}
	record = append(record, sideCSV(s.Mock, s.MockShare, s.MockLaunch)...)
	record = append(record, sideCSV(s.E2E, s.E2EShare, s.E2ELaunch)...)
	return append(record, float(s.Present), csvText(s.Module), csvText(strings.Join(s.NVTX, "/")))
}

func sideCSV(s *align.Sample, share float64, g *align.Geometry) []string {
	record := make([]string, 12)
	if s == nil {
		return record
	}
	copy(record, []string{strconv.Itoa(s.N), strconv.FormatInt(s.TotalNS, 10), float(s.MeanNS), float(s.MedianNS),
		strconv.FormatInt(s.MinNS, 10), strconv.FormatInt(s.MaxNS, 10), float(s.StddevNS), float(s.P5NS), float(s.P95NS), float(share)})
	if g != nil {
		record[10] = dims(g.Grid)
		record[11] = dims(g.Block)
	}
	return record
}

// reportCSV writes the columns of cuda_gpu_kern_sum of nsys stats, after the
// category that cuda_gpu_sum puts beside them.
func reportCSV(w *csv.Writer, r *align.Result, o Options) {
	_ = w.Write([]string{"time_percent", "total_time_ns", "instances", "avg_ns", "med_ns", "min_ns", "max_ns", "stddev_ns", "category", "name"})
	for _, t := range []struct {
		category string
		rows     []align.KernelRow
	}{{"CUDA_KERNEL", r.Kernels}, {"MEMORY_OPER", r.MemOps}} {
		rows, _ := top(t.rows, o.Top)
		for _, k := range rows {
			s := k.Mock
			if s == nil {
				continue
			}
			_ = w.Write([]string{strconv.FormatFloat(100*k.MockShare, 'f', 1, 64), strconv.FormatInt(s.TotalNS, 10), strconv.Itoa(s.N),
				exact(s.MeanNS), exact(s.MedianNS), strconv.FormatInt(s.MinNS, 10), strconv.FormatInt(s.MaxNS, 10), exact(s.StddevNS),
				t.category, csvText(k.Name)})
		}
	}
}

// csvText makes text safe for a spreadsheet, which takes a cell that begins
// with one of these characters for a formula: an apostrophe before it makes
// it text (OWASP, CSV injection).
func csvText(s string) string {
	// Tab and carriage return, which count too, are escapes after Clean.
	s = Clean(s)
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}

func optional(f *float64) string {
	if f == nil {
		return ""
	}
	return float(*f)
}

// float returns the shortest decimal that reads back as f.
func float(f float64) string {
	if n, ok := whole(f); ok {
		return strconv.FormatInt(n, 10)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func dims(d [3]int32) string {
	b := strconv.AppendInt(nil, int64(d[0]), 10)
	for _, n := range d[1:] {
		b = strconv.AppendInt(append(b, 'x'), int64(n), 10)
	}
	return string(b)
}
