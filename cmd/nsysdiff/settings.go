package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// configName is the file that is read where --config names none.
const configName = "nsysdiff.toml"

// A policy is what configuration says of single kernels, beyond the options.
type policy struct {
	accept []acceptance
	expect []align.Expectation
}

// An acceptance is one of align with the last day on which it holds, the zero
// time if it always does.
type acceptance struct {
	align.Acceptance
	until time.Time
}

// at returns the acceptances as they are at a time. A day ends when it does in
// Greenwich, so that the same run says the same everywhere.
func (p *policy) at(now time.Time) []align.Acceptance {
	var list []align.Acceptance
	for _, a := range p.accept {
		if !a.until.IsZero() && !now.Before(a.until.AddDate(0, 0, 1)) {
			a.Expired = a.until.Format(time.DateOnly)
		}
		list = append(list, a.Acceptance)
	}
	return list
}

// warnIdle warns, in the first of some results, of each acceptance in force that no site
// of any of them has. Results that hold no comparison do not count.
func warnIdle(list []align.Acceptance, results ...*align.Result) {
	results = slices.DeleteFunc(results, func(r *align.Result) bool {
		return r.Mode == align.ModeReport || r.Verdict == align.NotComparable
	})
	if len(results) == 0 {
		return
	}
	for _, a := range list {
		named := func(name string) bool {
			return name != "" && (a.Pattern.Match(name) || a.Pattern.Match(align.ShortName(name)))
		}
		accepted := func(s align.Site) bool {
			return s.Verdict == align.Accepted && strings.HasSuffix(s.Reason, ", accepted: "+a.Reason) && (named(s.MockName) || named(s.E2EName))
		}
		if a.Expired != "" || slices.ContainsFunc(results, func(r *align.Result) bool { return slices.ContainsFunc(r.Sites, accepted) }) {
			continue
		}
		first := results[0].Mock
		first.Warnings = append(slices.Clip(first.Warnings),
			fmt.Sprintf("[[accept]] of %s (%s) accepts nothing: %s", a.Pattern, strings.Join(a.Codes, ", "), a.Reason))
	}
}

// configure reads the configuration file, if there is one, for what the
// command line does not say.
func (f *flags) configure() error {
	path, flag := f.configPath, "--config"
	switch {
	case f.noConfig && path != "":
		return usage("leave one of them out", "--config and --no-config contradict each other")
	case f.noConfig:
		return nil
	case path == "":
		if _, err := os.Stat(configName); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		path, flag = configName, ""
	}
	var d configFile
	if err := readTOML(flag, path, &d); err != nil {
		return err
	}
	f.config.path = path
	switch {
	case f.options.Regression:
		return f.apply(path+": regression", &d.Regression)
	case len(f.e2e.args) == 0:
		// One report by itself may be of anything: what is meant for a mock
		// does not go for it.
		d.Scope.Mock = scopeTable{}
		if f.configPath == "" {
			d.Expect = nil
		}
	}
	return f.apply(path, &d.configTable)
}

// given returns the flags that were set so far.
func (f *flags) given() []string {
	var names []string
	f.set.Visit(func(x *pflag.Flag) { names = append(names, x.Name) })
	return names
}

// apply takes from a table what was not said yet. where names the table in
// errors.
func (f *flags) apply(where string, d *configTable) error {
	said := append(f.given(), f.emptied...)
	for _, r := range d.rules() {
		// What the command line says of both sides stands above what a
		// table says of one.
		both := strings.TrimPrefix(strings.TrimPrefix(r.flag, "mock-"), "e2e-")
		if r.value == nil || slices.Contains(said, r.flag) || slices.Contains(said, both) {
			continue
		}
		if x := f.set.Lookup(r.flag); len(r.value) > 1 && !takesSeveral(x) {
			return usage(oneValueHint(x, r.value), "%s: %s: %d values given, it takes one", where, r.key, len(r.value))
		}
		for _, v := range r.value {
			if err := f.set.Set(r.flag, v); err != nil {
				if bad := (*pflag.InvalidValueError)(nil); errors.As(err, &bad) {
					err = bad.Unwrap()
				}
				return usage(tomlHint, "%s: %s = %s: %v", where, r.key, v, err)
			}
		}
		if len(r.value) == 0 {
			f.emptied = append(f.emptied, r.flag)
			if r.flag == "fail-on" {
				f.failOn, f.failSet = nil, true // no finding at all
			}
		}
	}
	if f.alias == "" {
		for i, a := range d.Alias {
			parsed, err := a.parse()
			if err != nil {
				return usage(tomlHint, "%s: alias %d: %v", where, i+1, err)
			}
			f.options.Aliases = append(f.options.Aliases, parsed)
		}
	}
	for i, k := range d.Kernel {
		limit, err := k.parse()
		if err != nil {
			return usage(tomlHint, "%s: kernel %d: %v", where, i+1, err)
		}
		f.options.Kernels = append(f.options.Kernels, limit)
	}
	for i, x := range d.Expect {
		parsed, err := x.parse()
		if err != nil {
			return usage(tomlHint, "%s: expect %d: %v", where, i+1, err)
		}
		f.policy.expect = append(f.policy.expect, parsed)
	}
	for i, a := range d.Accept {
		parsed, err := a.parse()
		if err != nil {
			return usage(cmp.Or(wrongs(err)[0].hint, tomlHint), "%s: accept %d: %v", where, i+1, err)
		}
		f.policy.accept = append(f.policy.accept, parsed)
	}
	return nil
}

// takesSeveral reports whether a flag can hold all values of a list.
func takesSeveral(x *pflag.Flag) bool {
	switch x.Value.(type) {
	case patternsValue, numbersValue, codesValue:
		return true
	}
	return false
}

// oneValueHint says what to do with a list for a flag that takes one value.
func oneValueHint(x *pflag.Flag, list setting) string {
	if _, ok := x.Value.(regexpValue); ok {
		return "write one regular expression for all: " + strconv.Quote(strings.Join(list, "|"))
	}
	return aboutFlag(x)
}

func (a *aliasTable) parse() (parsed align.Alias, err error) {
	if parsed.Mock, err = aliasPattern(a.Mock); err != nil {
		return parsed, fmt.Errorf("mock: %w", err)
	}
	if parsed.E2E, err = aliasPattern(a.E2E); err != nil {
		return parsed, fmt.Errorf("e2e: %w", err)
	}
	return parsed, nil
}

func (k *kernelTable) parse() (limit align.KernelLimit, err error) {
	if limit.Pattern, err = kernelPattern(k.Pattern); err != nil {
		return limit, err
	}
	if n := max(len(k.MaxRatio), len(k.MinTime)); n > 1 {
		return limit, fmt.Errorf("max_ratio and min_time take one value each, %d given", n)
	}
	for _, v := range k.MaxRatio {
		if err := (ratioValue{&limit.MaxRatio}).Set(v); err != nil {
			return limit, fmt.Errorf("max_ratio = %s: %w", v, err)
		}
	}
	for _, v := range k.MinTime {
		d, err := parseTime(v)
		if err != nil {
			return limit, fmt.Errorf("min_time = %s: %w", v, err)
		}
		limit.MinTime = orNone(d)
	}
	if limit.MaxRatio == 0 && limit.MinTime == 0 {
		return limit, errors.New("neither max_ratio nor min_time")
	}
	return limit, nil
}

func (t *expectTable) parse() (x align.Expectation, err error) {
	if x.Pattern, err = kernelPattern(t.Pattern); err != nil {
		return x, err
	}
	x.Optional = t.Required != nil && !*t.Required
	switch t.Side {
	case "", "mock", "base":
	case "e2e", "new":
		x.E2E = true
	default:
		return x, fmt.Errorf("side = %q: %w", t.Side, notOneOf(t.Side, []string{"mock", "e2e", "base", "new"}))
	}
	if t.Share != "" {
		if x.ShareLo, x.ShareHi, err = parseShare(t.Share); err != nil {
			return x, err
		}
	}
	if t.Time != "" {
		if x.TimeLo, x.TimeHi, err = parseTimes(t.Time); err != nil {
			return x, err
		}
	}
	return x, nil
}

func (t *acceptTable) parse() (a acceptance, err error) {
	if a.Pattern, err = kernelPattern(t.Pattern); err != nil {
		return a, err
	}
	if a.Reason = strings.TrimSpace(t.Reason); a.Reason == "" {
		return a, errors.New("no reason given")
	}
	for _, code := range t.Codes {
		if !slices.Contains(align.AcceptableCodes(), code) {
			return a, fmt.Errorf("code %q: %w", code, notOneOf(code, align.AcceptableCodes()))
		}
		a.Codes = append(a.Codes, code)
	}
	if len(a.Codes) == 0 {
		return a, fmt.Errorf("no codes given, of %s", strings.Join(align.AcceptableCodes(), ", "))
	}
	if a.until = t.Expires.day; a.until.IsZero() && !t.Expires.never {
		return a, usage("say until when it is accepted, expires = 2027-01-31, or expires = \"never\"", "no expires given")
	}
	return a, nil
}

// kernelPattern parses a pattern of kernels, which are named by their
// demangled or short names.
func kernelPattern(s string) (trace.Pattern, error) {
	p, err := trace.ParsePattern(s)
	if err != nil {
		return p, fmt.Errorf("pattern %q: %w", s, err)
	}
	return p, nil
}

// orNone returns a threshold for options in which 0 is the default and a
// negative one is none.
func orNone(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}
