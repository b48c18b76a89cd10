package align

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/nsysdiff/nsysdiff/trace"
)

// TellApart returns of each of some different names what tells it from the
// others, to stand behind what they would all be shown as:
//
//	void flash::flash_fwd_kernel<traits<(int)64, (int)32>>(…)   […32…]
//	void flash::flash_fwd_kernel<traits<(int)64, (int)128>>(…)  […128…]
//
// It is "" for one name that others only go on from. It depends on which names there
// are, and not on their order.
func TellApart(names []string) []string {
	list := make([]wordedName, len(names))
	for i, name := range names {
		list[i] = wordedName{i, wordsOf(name)}
	}
	slices.SortFunc(list, func(a, b wordedName) int { return slices.Compare(a.words, b.words) })
	alike := make([]int, len(list)) // words that a name has in common with the one before
	for i := 1; i < len(list); i++ {
		alike[i] = alikeWords(list[i-1].words, list[i].words)
	}
	texts := make([]string, len(names))
	same := map[string][]int{}
	for i, x := range list {
		text := whereItLeaves(x.words, leavings(alike, i))
		if text != "" {
			text = "[…" + strings.TrimSuffix(text, "…") + "…]"
		}
		texts[x.at] = text
		same[text] = append(same[text], x.at)
	}
	for text, group := range same {
		for k, at := range group {
			if len(group) > 1 { // what differs was cut, or is not printable
				texts[at] = strings.TrimSpace(fmt.Sprintf("%s #%d", text, k+1))
			}
		}
	}
	return texts
}

// A wordedName is a name by its place, and what it consists of.
type wordedName struct {
	at    int
	words []string
}

// maxNeighbours is how many names before and after one it is told from: those that have
// most in common with it. There may be thousands of instances of one template.
const maxNeighbours = 64

// leavings returns after how many words name i leaves others, ascending. alike is
// how many words each name has in common with the one before, in their order.
func leavings(alike []int, i int) []int {
	var at []int
	for j, least := i, math.MaxInt; j > max(0, i-maxNeighbours); j-- {
		least = min(least, alike[j])
		at = append(at, least)
	}
	for j, least := i+1, math.MaxInt; j < min(len(alike), i+maxNeighbours); j++ {
		least = min(least, alike[j])
		at = append(at, least)
	}
	slices.Sort(at)
	return slices.Compact(at)
}

// How many characters of a name are shown to tell it apart: where it leaves some
// others, and in all.
const (
	maxLeaving     = 8
	maxAllLeavings = 32
)

// whereItLeaves returns the words of a name at which others leave it. Of two names
// either shows where the other leaves it, and up to there they are alike: so that
// no two have the same, but for what is cut off.
func whereItLeaves(words []string, at []int) string {
	var parts []string
	for _, p := range at {
		if p < len(words) { // else others only go on
			parts = append(parts, wholeWord(words[p:]))
		}
	}
	text := strings.ReplaceAll(strings.Join(parts, "…"), "……", "…")
	return cutMiddle(printable(text), maxAllLeavings)
}

// alikeWords returns how many words a and b have in common from their beginning.
func alikeWords(a, b []string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// wholeWord returns the first word and the rest of its identifier. Signs alone say
// little: the word behind them goes with them.
func wholeWord(words []string) string {
	text := words[0]
	for _, w := range words[1:] {
		if !isAlnum(w[0]) && w != "_" && isAlnum(text[len(text)-1]) {
			break
		}
		text += w
	}
	if utf8.RuneCountInString(text) > maxLeaving {
		text = string([]rune(text)[:maxLeaving]) + "…"
	}
	return text
}

// wordsOf splits a name into words, of letters and digits, and single signs. An
// underscore is a sign, since generated identifiers are long.
func wordsOf(name string) []string {
	words := make([]string, 0, len(name)/2)
	for name != "" {
		n := 0
		for n < len(name) && isAlnum(name[n]) {
			n++
		}
		n = max(n, 1)
		words = append(words, name[:n])
		name = name[n:]
	}
	return words
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// shortNames returns a function that says what messages call a kernel of some
// traces: its short name and, where kernels share one, what tells them apart.
func shortNames(traces ...*trace.Trace) func(name string) string {
	all := sync.OnceValue(func() map[string]string { // where all match, nobody asks
		var names []string
		shown := map[string]string{}
		for _, t := range traces {
			for _, name := range kernelNames(t) {
				if _, known := shown[name]; !known {
					shown[name] = ""
					names = append(names, name)
				}
			}
		}
		sharing := map[string][]string{}
		for i, short := range ShortNames(names) {
			shown[names[i]] = short
			sharing[short] = append(sharing[short], names[i])
		}
		for short, group := range sharing {
			if len(group) > 1 {
				for i, apart := range TellApart(group) {
					shown[group[i]] = strings.TrimSpace(short + " " + apart)
				}
			}
		}
		return shown
	})
	return func(name string) string { return all()[name] }
}
