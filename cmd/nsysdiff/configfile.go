package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// A configFile is a configuration file: what holds for a mock against a model,
// and, in a table of its own, what holds for a regression check.
type configFile struct {
	configTable
	Regression configTable `toml:"regression"`
}

// A configTable is what a configuration file, or a pair of a pairs file, can
// say. Settings are named as the flags that they stand for, with underscores.
type configTable struct {
	MaxRatio   setting `toml:"max_ratio"`
	MinTime    setting `toml:"min_time"`
	MinSamples setting `toml:"min_samples"`
	FailOn     setting `toml:"fail_on"`
	TP         setting `toml:"tp"`
	ScaleTP    setting `toml:"scale_tp"`
	Ignore     setting `toml:"ignore"`
	JudgeComm  setting `toml:"judge_communication"`
	SkipWarmup setting `toml:"skip_warmup"`
	NoNVTX     setting `toml:"no_nvtx"`
	Strict     setting `toml:"strict"`

	Scope struct {
		scopeTable
		Mock scopeTable `toml:"mock"`
		E2E  scopeTable `toml:"e2e"`
	} `toml:"scope"`

	Alias  []aliasTable  `toml:"alias"`
	Kernel []kernelTable `toml:"kernel"`
	Expect []expectTable `toml:"expect"`
	Accept []acceptTable `toml:"accept"`
}

// A scopeTable says which launches take part.
type scopeTable struct {
	NVTX    setting `toml:"nvtx"`
	Kernel  setting `toml:"kernel"`
	Exclude setting `toml:"exclude"`
	Device  setting `toml:"device"`
	Process setting `toml:"process"`
	Stream  setting `toml:"stream"`
	From    setting `toml:"from"`
	To      setting `toml:"to"`
}

// An aliasTable says that two kernels are the same.
type aliasTable struct {
	Mock string `toml:"mock"`
	E2E  string `toml:"e2e"`
}

// A kernelTable bounds some kernels otherwise than the rest.
type kernelTable struct {
	Pattern  string  `toml:"pattern"`
	MaxRatio setting `toml:"max_ratio"`
	MinTime  setting `toml:"min_time"`
}

// An expectTable is a row of the table of expected kernels.
type expectTable struct {
	Pattern  string `toml:"pattern"`
	Side     string `toml:"side"`
	Required *bool  `toml:"required"`
	Share    string `toml:"share"`
	Time     string `toml:"time"`
	Note     string `toml:"note"`
}

// An acceptTable is a difference that is accepted for a while.
type acceptTable struct {
	Pattern string  `toml:"pattern"`
	Codes   setting `toml:"codes"`
	Reason  string  `toml:"reason"`
	Expires expiry  `toml:"expires"`
}

// A setting is a value, or a list of them, as the text that the flag of its
// name takes; nil if the file does not say it.
type setting []string

// UnmarshalTOML implements toml.Unmarshaler.
func (s *setting) UnmarshalTOML(v any) error {
	switch v := v.(type) {
	case string:
		*s = append(*s, v)
	case int64:
		*s = append(*s, strconv.FormatInt(v, 10))
	case float64:
		*s = append(*s, strconv.FormatFloat(v, 'g', -1, 64))
	case bool:
		*s = append(*s, strconv.FormatBool(v))
	case []any:
		*s = setting{} // an empty list is said too
		for _, x := range v {
			if _, ok := x.([]any); ok {
				return errors.New("a list inside of a list")
			}
			if err := s.UnmarshalTOML(x); err != nil {
				return err
			}
		}
	default:
		return errors.New("not a value or a list of values")
	}
	return nil
}

// An expiry is a day, written as a date of TOML or as text, or "never". Its
// zero value is none at all.
type expiry struct {
	day   time.Time
	never bool
}

// UnmarshalTOML implements toml.Unmarshaler.
func (e *expiry) UnmarshalTOML(v any) error {
	switch v := v.(type) {
	case time.Time:
		e.day = time.Date(v.Year(), v.Month(), v.Day(), 0, 0, 0, 0, time.UTC)
		return nil
	case string:
		if e.never = v == "never"; e.never {
			return nil
		}
		t, err := time.Parse(time.DateOnly, v)
		if err == nil {
			e.day = t
			return nil
		}
	}
	return errors.New(`not a date such as 2027-01-31, nor "never"`)
}

// tomlHint is where to learn of the files that are read.
const tomlHint = "docs/config.md shows what it can hold"

// readTOML reads a file into a struct that has a field for every key.
func readTOML(flag, path string, to any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return readProblem(flag, path, err, tomlHint)
	}
	return decodeTOML(path, data, to)
}

// decodeTOML reads the text of a file into a struct that has a field for every
// key.
func decodeTOML(path string, data []byte, to any) error {
	meta, err := toml.Decode(string(data), to)
	if p := (toml.ParseError{}); errors.As(err, &p) {
		msg := p.Message
		if msg == "" {
			msg = strings.TrimPrefix(p.Error(), "toml: ")
		}
		return &problem{msg: fmt.Sprintf("%s:%d: %s", path, p.Position.Line, msg), hint: tomlHint, err: err}
	}
	if err != nil {
		return &problem{msg: path + notOfType(err.Error()), hint: tomlHint, err: err}
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		key := unknown[0]
		known := keysOf(reflect.TypeOf(to).Elem(), key[:len(key)-1])
		hint := "known there: " + strings.Join(known, ", ")
		if near := nearest(key[len(key)-1], known); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		if n := lineOf(data, key[len(key)-1]); n > 0 {
			path = fmt.Sprintf("%s:%d", path, n)
		}
		return usage(hint, "%s: unknown key %q", path, strings.Join(key, "."))
	}
	return nil
}

// notOfType returns what stands behind a file's name where a value is not what
// its key takes: the decoder says so in types of Go.
func notOfType(msg string) string {
	m := regexp.MustCompile(`^toml: line ([0-9]+) \(last key "([^"]*)"\): (.*)$`).FindStringSubmatch(msg)
	if m == nil {
		return ": " + strings.TrimPrefix(msg, "toml: ")
	}
	line, key, what := m[1], m[2], m[3]
	switch {
	case strings.Contains(what, "expected table"):
		what = "not a table"
	case strings.HasSuffix(what, "destination has type slice"):
		what = "not a list of tables, each of which begins with [[" + key + "]]"
	case strings.HasSuffix(what, "destination has type string"):
		what = "not text in quotes"
	case strings.HasSuffix(what, "destination has type boolean"):
		what = "not true or false"
	}
	return fmt.Sprintf(":%s: %s: %s", line, key, what)
}

// lineOf returns the number of the line that a key stands on, as its own or as
// the last part of a table's, 0 if it is not on exactly one: the decoder does
// not tell where a key without a field is.
func lineOf(text []byte, key string) int {
	word := `[ \t]*["']?` + regexp.QuoteMeta(key) + `["']?[ \t]*`
	lines := regexp.MustCompile(`(?m)(?:^|[{,.])` + word + `=|^[ \t]*\[{1,2}(?:[^\]\n]*\.)?` + word + `\]`)
	at := lines.FindAllIndex(text, 2)
	if len(at) != 1 {
		return 0
	}
	return 1 + bytes.Count(text[:at[0][1]], []byte("\n"))
}

// keysOf returns the keys that a struct knows at a path of tables.
func keysOf(t reflect.Type, path []string) []string {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var keys []string
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("toml")
		switch {
		case f.Anonymous:
			if inner := keysOf(f.Type, path); len(path) == 0 || inner != nil {
				keys = append(keys, inner...)
			}
		case len(path) == 0:
			keys = append(keys, name)
		case path[0] == name:
			return keysOf(f.Type, path[1:])
		}
	}
	return keys
}

// A rule is a setting and the flag that it stands for.
type rule struct {
	key, flag string
	value     setting
}

// rules returns the settings of a table, by their keys.
func (d *configTable) rules() []rule {
	list := []rule{
		{"max_ratio", "max-ratio", d.MaxRatio},
		{"min_time", "min-time", d.MinTime},
		{"min_samples", "min-samples", d.MinSamples},
		{"fail_on", "fail-on", d.FailOn},
		{"tp", "tp", d.TP},
		{"scale_tp", "scale-tp", d.ScaleTP},
		{"ignore", "ignore", d.Ignore},
		{"judge_communication", "judge-communication", d.JudgeComm},
		{"skip_warmup", "skip-warmup", d.SkipWarmup},
		{"no_nvtx", "no-nvtx", d.NoNVTX},
		{"strict", "strict", d.Strict},
	}
	for _, t := range []struct {
		key, prefix string
		table       *scopeTable
	}{{"scope.", "", &d.Scope.scopeTable}, {"scope.mock.", "mock-", &d.Scope.Mock}, {"scope.e2e.", "e2e-", &d.Scope.E2E}} {
		for _, r := range []rule{
			{"nvtx", "nvtx", t.table.NVTX},
			{"kernel", "kernel", t.table.Kernel},
			{"exclude", "exclude", t.table.Exclude},
			{"device", "device", t.table.Device},
			{"process", "process", t.table.Process},
			{"stream", "stream", t.table.Stream},
			{"from", "from", t.table.From},
			{"to", "to", t.table.To},
		} {
			list = append(list, rule{t.key + r.key, t.prefix + r.flag, r.value})
		}
	}
	return list
}

// parseShare parses a range of shares, "60-65%", as parts of 1.
func parseShare(s string) (lo, hi float64, err error) {
	a, b, ok := cutRange(s)
	if ok && strings.HasSuffix(b, "%") {
		lo, e1 := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(a, "%")), 64)
		hi, e2 := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(b, "%")), 64)
		if e1 == nil && e2 == nil && 0 <= lo && lo <= hi && 0 < hi && hi <= 100 && !math.IsNaN(lo+hi) {
			return lo / 100, hi / 100, nil
		}
	}
	return 0, 0, fmt.Errorf(`%q is not a range of shares such as "60-65%%"`, s)
}

// parseTimes parses a range of times, "10-20us" or "800us-1.2ms".
func parseTimes(s string) (lo, hi time.Duration, err error) {
	a, b, ok := cutRange(s)
	if ok {
		unit := strings.TrimLeft(b, "0123456789. ")
		if strings.TrimLeft(a, "0123456789. ") == "" {
			a += unit
		}
		lo, e1 := parseTime(a)
		hi, e2 := parseTime(b)
		if e1 == nil && e2 == nil && lo <= hi && hi > 0 {
			return lo, hi, nil
		}
	}
	return 0, 0, fmt.Errorf(`%q is not a range of times such as "10-20us"`, s)
}

func cutRange(s string) (lo, hi string, ok bool) {
	lo, hi, ok = strings.Cut(strings.ReplaceAll(s, "–", "-"), "-")
	return strings.TrimSpace(lo), strings.TrimSpace(hi), ok
}
