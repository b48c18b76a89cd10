package trace

import (
	"strconv"
	"strings"
)

// phrases adds up what several traces left out: "3 launches in no NVTX range"
// and "1 launch in no NVTX range" are "4 launches in no NVTX range".
type phrases struct {
	list []string
	at   map[string]int // by what is counted
}

func (p *phrases) add(list []string) {
	if p.at == nil {
		p.at = map[string]int{}
	}
	for _, s := range list {
		n, what, ok := countedIn(s)
		key := "#" + what
		if !ok {
			key = "=" + s
		}
		at, known := p.at[key]
		if !known {
			p.at[key] = len(p.list)
			p.list = append(p.list, s)
			continue
		}
		if !ok {
			continue
		}
		m, _, _ := countedIn(p.list[at])
		noun, rest, _ := strings.Cut(what, " ")
		if n+m != 1 {
			noun += plural(noun)
		}
		p.list[at] = thousands(n+m) + " " + noun + " " + rest
	}
}

func plural(noun string) string {
	if strings.HasSuffix(noun, "ch") {
		return "es"
	}
	return "s"
}

// countedIn splits "1,234 launches in no NVTX range" into 1234 and "launch in
// no NVTX range", and reports whether s is such a phrase.
func countedIn(s string) (int64, string, bool) {
	number, what, ok := strings.Cut(s, " ")
	if !ok {
		return 0, "", false
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(number, ",", ""), 10, 64)
	if err != nil || n < 0 || thousands(n) != number {
		return 0, "", false
	}
	noun, rest, ok := strings.Cut(what, " ")
	switch noun {
	case "launch", "launches":
		noun = "launch"
	case "step", "steps":
		noun = "step"
	default:
		return 0, "", false
	}
	return n, noun + " " + rest, ok
}
