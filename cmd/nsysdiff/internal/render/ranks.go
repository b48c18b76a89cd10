package render

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/nsysdiff/nsysdiff/align"
)

// maxRanks is how many ranks a table for people lists: of more than these,
// those whose pace is furthest from the others'. JSON has all.
const maxRanks = 16

// rankTable returns the tracks of a side that are worth listing, in order, and
// how many it leaves out. One track by itself is no rank.
func rankTable(s *align.Side) (ranks []align.Track, left int) {
	if s == nil {
		return nil, 0
	}
	for _, t := range s.Tracks {
		if t.Steps > 0 {
			ranks = append(ranks, t)
		}
	}
	if len(ranks) < 2 {
		return nil, 0
	}
	if len(ranks) <= maxRanks {
		return ranks, 0
	}
	order := make([]int, len(ranks))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(offPace(ranks[b]), offPace(ranks[a])) })
	order = order[:maxRanks]
	slices.Sort(order)
	shown := make([]align.Track, maxRanks)
	for i, at := range order {
		shown[i] = ranks[at]
	}
	return shown, len(ranks) - maxRanks
}

func offPace(t align.Track) float64 {
	if t.Pace <= 0 {
		return 0
	}
	return math.Abs(math.Log(t.Pace))
}

// rankName says which track it is.
func rankName(t align.Track) string {
	name := fmt.Sprintf("pid %d device %d", t.PID, t.Device)
	if t.Report != "" {
		name = t.Report + " " + name
	}
	if t.Host != "" {
		name = t.Host + ":" + name
	}
	return name
}

// rankNames says which tracks they are, without a host that is that of all.
func rankNames(ranks []align.Track) []string {
	oneHost := !slices.ContainsFunc(ranks, func(t align.Track) bool { return t.Host != ranks[0].Host })
	names := make([]string, len(ranks))
	for i, t := range ranks {
		if oneHost {
			t.Host = ""
		}
		names[i] = rankName(t)
	}
	return names
}

// aboutPace is what the column of paces says.
const aboutPace = "the median over the sites of a rank's time over the median rank's"

func pace(t align.Track) string {
	if t.Pace <= 0 {
		return "-"
	}
	return ratio(t.Pace)
}

// anyGroup reports whether some ranks launch other things than the rest.
func anyGroup(ranks []align.Track) bool {
	return slices.ContainsFunc(ranks, func(t align.Track) bool { return t.Group > 0 })
}

// rankSides returns the sides that may consist of several ranks.
func rankSides(r *align.Result) []struct {
	name string
	side *align.Side
} {
	mock, e2e := sideNames(r)
	return []struct {
		name string
		side *align.Side
	}{{mock, r.Mock}, {e2e, r.E2E}}
}

func (t *textPrinter) ranks() {
	for _, s := range rankSides(t.r) {
		ranks, left := rankTable(s.side)
		if len(ranks) == 0 {
			continue
		}
		t.title("Ranks of the " + s.name + "; pace is " + aboutPace)
		columns := []column{
			{title: "rank", left: true, name: true},
			{title: "group", drop: 1},
			{title: "steps", drop: 2},
			{title: "launches a step", drop: 3},
			{title: "pace"},
		}
		var rows []row
		names := rankNames(ranks)
		for i, x := range ranks {
			c := plain
			if x.Pace > 1.05 {
				c = yellow
			}
			group := ""
			if x.Group > 0 {
				group = strconv.Itoa(x.Group)
			}
			rows = append(rows, row{cells: []cell{{text: names[i]}, {text: group}, {text: thousands(int64(x.Steps))},
				{text: thousands(int64(x.LaunchesPerStep))}, {text: pace(x), color: c}}})
		}
		if !anyGroup(ranks) {
			columns, rows = without(columns, rows, 1)
		}
		t.table(columns, rows, t.options.Width)
		if left > 0 {
			t.print(t.paint(dim, "… "+count(left, "more rank", "more ranks")+" nearer to the median"), "\n")
		}
	}
}

func (m *markdownPrinter) ranks() {
	for _, s := range rankSides(m.r) {
		ranks, left := rankTable(s.side)
		if len(ranks) == 0 {
			continue
		}
		m.title("Ranks of the " + s.name)
		m.print("Pace is ", aboutPace, ".\n\n")
		m.row("Rank", "Group", "Steps", "Launches a step", "Pace")
		m.rule("lrrrr")
		names := rankNames(ranks)
		for i, x := range ranks {
			group := ""
			if x.Group > 0 {
				group = strconv.Itoa(x.Group)
			}
			m.row(mdText(names[i]), group, thousands(int64(x.Steps)), thousands(int64(x.LaunchesPerStep)), pace(x))
		}
		if left > 0 {
			m.print("\n… ", count(left, "more rank", "more ranks"), " nearer to the median\n")
		}
	}
}

// reportCount returns how many reports a side was read from.
func reportCount(s *align.Side) int {
	reports := map[string]bool{}
	for _, t := range s.Tracks {
		reports[t.Host+"\x00"+t.Report] = true
	}
	return len(reports)
}

// told counts lines that are equal: profilers say the same of each process.
func told(lines []string) []string {
	times := map[string]int{}
	var out []string
	for _, line := range lines {
		if times[line]++; times[line] == 1 {
			out = append(out, line)
		}
	}
	for i, line := range out {
		if n := times[line]; n > 1 {
			out[i] = strings.TrimRight(line, ".") + fmt.Sprintf(" (%d times)", n)
		}
	}
	return out
}
