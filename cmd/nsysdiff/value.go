package main

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"

	"github.com/nsysdiff/nsysdiff/trace"
)

// The values of flags. Each implements pflag.Value and says in Set, in words
// that fit behind "--flag VALUE: ", what is wrong.

// regexpValue is a regular expression.
type regexpValue struct{ re **regexp.Regexp }

func (v regexpValue) Set(s string) error {
	if s == "" {
		return errors.New("an empty regular expression matches everything")
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return err
	}
	*v.re = re
	return nil
}

func (v regexpValue) String() string {
	if v.re == nil || *v.re == nil {
		return ""
	}
	return (*v.re).String()
}

func (regexpValue) Type() string { return "REGEXP" }

// patternsValue is a list of patterns of NVTX ranges, one for each time the
// flag is given, since range names contain commas.
type patternsValue struct{ list *[]trace.Pattern }

func (v patternsValue) Set(s string) error {
	p, err := trace.ParsePattern(s)
	if err != nil {
		return err
	}
	*v.list = append(*v.list, p)
	return nil
}

func (v patternsValue) String() string { return "" }

func (patternsValue) Type() string { return "PATTERN" }

// numbersValue is a list of numbers from 0, separated by commas.
type numbersValue struct{ list *[]int }

func (v numbersValue) Set(s string) error {
	for f := range strings.SplitSeq(s, ",") {
		n, err := strconv.ParseUint(strings.TrimSpace(f), 10, 31)
		if err != nil {
			return fmt.Errorf("%q is not a number from 0", f)
		}
		*v.list = append(*v.list, int(n))
	}
	return nil
}

func (v numbersValue) String() string { return "" }

func (numbersValue) Type() string { return "N[,N]" }

// timeValue is a time with its unit.
type timeValue struct{ d **time.Duration }

func (v timeValue) Set(s string) error {
	d, err := parseTime(s)
	if err != nil {
		return err
	}
	*v.d = &d
	return nil
}

func (v timeValue) String() string {
	if v.d == nil || *v.d == nil {
		return ""
	}
	return (*v.d).String()
}

func (timeValue) Type() string { return "TIME" }

// parseTime parses a duration from 0. Zero needs no unit.
func parseTime(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		return 0, errors.New("not a time with a unit, such as 1.5s, 200ms, 3us")
	case d < 0:
		return 0, errors.New("must not be negative")
	}
	return d, nil
}

// countValue is a number with a least value.
type countValue struct {
	n     *int
	least int
}

func (v countValue) Set(s string) error {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || int(n) < v.least {
		return fmt.Errorf("not a number from %d", v.least)
	}
	*v.n = int(n)
	return nil
}

func (v countValue) String() string {
	if v.n == nil || *v.n == 0 {
		return ""
	}
	return strconv.Itoa(*v.n)
}

func (countValue) Type() string { return "N" }

// ratioValue is a finite number from 1.
type ratioValue struct{ r *float64 }

func (v ratioValue) Set(s string) error {
	r, err := strconv.ParseFloat(s, 64)
	if err != nil || r < 1 || math.IsInf(r, 0) || math.IsNaN(r) {
		return errors.New("not a number from 1")
	}
	*v.r = r
	return nil
}

func (v ratioValue) String() string {
	if v.r == nil || *v.r == 0 {
		return ""
	}
	return strconv.FormatFloat(*v.r, 'g', -1, 64)
}

func (ratioValue) Type() string { return "R" }

// choiceValue is one of several words.
type choiceValue struct {
	s       *string
	choices []string
}

func (v choiceValue) Set(s string) error {
	if !slices.Contains(v.choices, s) {
		return notOneOf(s, v.choices)
	}
	*v.s = s
	return nil
}

func (v choiceValue) String() string {
	if v.s == nil {
		return ""
	}
	return *v.s
}

func (v choiceValue) Type() string { return strings.Join(v.choices, "|") }

// notOneOf returns the error for a word that is none of choices.
func notOneOf(s string, choices []string) error {
	list := strings.Join(choices, ", ")
	if near := nearest(s, choices); near != "" {
		return fmt.Errorf("did you mean %q? It is one of %s", near, list)
	}
	return fmt.Errorf("not one of %s", list)
}

// nearest returns the word of choices that s was probably meant to be, "" if
// none is near.
func nearest(s string, choices []string) string {
	best, least := "", min(1+max(2, len(s)/3), len(s))
	for _, c := range choices {
		d := levenshtein.ComputeDistance(s, c)
		if len(s) >= 3 && strings.HasPrefix(c, s) {
			d = min(d, 1)
		}
		if d < least {
			best, least = c, d
		}
	}
	return best
}

// codesValue is a list of codes of findings, "all" or "none".
type codesValue struct {
	codes *[]string
	set   *bool
}

func (v codesValue) Set(s string) error {
	var known []string
	for _, c := range failCodes() {
		known = append(known, c.code)
	}
	none := *v.set && len(*v.codes) == 0
	if !*v.set {
		*v.codes = nil
	}
	for code := range strings.SplitSeq(s, ",") {
		code = strings.TrimSpace(code)
		if none || code == "none" && *v.set {
			return errors.New("none goes with no other")
		}
		*v.set = true
		switch {
		case code == "all":
			*v.codes = known
		case code == "none":
			none = true
		case slices.Contains(known, code):
			*v.codes = append(*v.codes, code)
		default:
			err := notOneOf(code, append(slices.Clone(known), "all", "none"))
			if code != s {
				err = fmt.Errorf("%s: %w", code, err)
			}
			return err
		}
	}
	return nil
}

func (v codesValue) String() string { return "" }

func (codesValue) Type() string { return "CODES" }
