//go:build !purego

package pages

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/sys/cpu"
)

// TestMatchAVX2: matchAVX2 reads the same values as matchEach, and stops at the same
// records: leaves of random templates, some records of which have another size or
// a bit that no template has, or follow what they never followed before.
func TestMatchAVX2(t *testing.T) {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasBMI2 {
		t.Skip("this processor has no AVX2 or BMI2")
	}
	rng := rand.New(rand.NewPCG(4, 1))
	var read, stops [5]int // by number of columns
	for range 3000 {
		columns := rng.IntN(len(read))
		w, page := randomLeaf(rng, columns)
		const row = 3
		other := *w
		other.keys = slices.Clone(w.keys)
		other.columns = nil
		for _, c := range w.columns {
			other.columns = append(other.columns, slices.Clone(c))
		}
		for j := 0; ; j++ {
			got, want := matchAVX2(w, page, row, j), other.matchEach(page, row, j)
			if got != want || w.history != other.history {
				t.Fatalf("from record %d on: stopped at %d with history %d, want %d with %d", j, got, w.history, want, other.history)
			}
			if !slices.Equal(w.keys, other.keys) {
				t.Fatalf("keys %v, want %v", w.keys, other.keys)
			}
			for l := range columns {
				if !slices.Equal(w.columns[l], other.columns[l]) {
					t.Fatalf("column %d: %v, want %v", l, w.columns[l], other.columns[l])
				}
			}
			read[columns] += got - j
			if j = got; j == len(w.records) {
				break
			}
			stops[columns]++
		}
	}
	for columns := range read {
		if read[columns] < 1000 || stops[columns] < 100 {
			t.Errorf("%d columns: %d records read, %d stops: too few to tell", columns, read[columns], stops[columns])
		}
	}
}

// randomLeaf returns a worker that has found the records of a leaf, with
// templates and guesses that suit most of these.
func randomLeaf(rng *rand.Rand, columns int) (*worker, *window) {
	w, page := new(worker), new(window)
	for i := range page {
		page[i] = byte(rng.Uint32())
	}
	w.all = []template{{size: -1}}
	for range 1 + rng.IntN(6) {
		t := template{size: int32(8 + rng.IntN(120)), key: rng.Uint32(), loads: uint32(len(w.loads))}
		t.words = make([]words, 1+rng.IntN(int(t.size+wordsSize-1)/wordsSize))
		for i := range t.words {
			for k := range 4 {
				mask := rng.Uint64() & rng.Uint64()
				t.words[i].mask[k], t.words[i].value[k] = mask, rng.Uint64()&mask
			}
		}
		for range columns {
			l := load{shift: 64, constant: rng.Int64()}
			if rng.IntN(3) > 0 {
				l = load{offset: uint32(rng.IntN(int(t.size))), shift: 8 * rng.Uint32N(8)}
			}
			w.loads = append(w.loads, l)
		}
		w.all = append(w.all, t)
	}
	history := uint32(0)
	for at := uint32(rng.IntN(100)); ; {
		number := 1 + rng.Uint32N(uint32(len(w.all)-1))
		t := &w.all[number]
		r := record{at: at, size: uint32(t.size)}
		if at += uint32(len(t.words) * wordsSize); at > maxPageSize || len(w.records) == 80 {
			break
		}
		for i := range t.words {
			for k := range 4 {
				b := page[r.at+uint32(i*wordsSize+k*8):]
				binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)&^t.words[i].mask[k]|t.words[i].value[k])
			}
		}
		switch rng.IntN(30) {
		case 0:
			r.size++
		case 1:
			page[r.at+rng.Uint32N(uint32(len(t.words)*wordsSize))] ^= 1 << rng.IntN(8)
		}
		w.records = append(w.records, r)
		w.guess[history] = number
		history = remember(history, number)
	}
	n := len(w.records) + 10
	w.keys = make([]uint32, n)
	for range columns {
		w.columns = append(w.columns, make([]int64, n))
	}
	return w, page
}
