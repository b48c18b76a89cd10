package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/cmd/nsysdiff/internal/render"
)

// A pair is one of several comparisons that a file of pairs asks for.
type pair struct {
	name   string
	config *config
}

// A pairsFile is a file of pairs.
type pairsFile struct {
	Pair []pairTable `toml:"pair"`
}

// A pairTable is a pair: its reports, and what of the configuration is its
// own.
type pairTable struct {
	Name       string  `toml:"name"`
	Mock       setting `toml:"mock"`
	E2E        setting `toml:"e2e"`
	Base       setting `toml:"base"`
	New        setting `toml:"new"`
	Regression setting `toml:"regression"`
	configTable
}

// readPairs reads the file of pairs. Each pair goes by the command line, then
// by what the file says of it, then by the configuration file.
func (f *flags) readPairs(args []string) ([]pair, error) {
	if n := len(f.set.Args()) + len(f.base) + len(f.next); n > 0 {
		return nil, usage("name them in "+f.pairsPath, "with --pairs no reports are given on the command line")
	}
	var file pairsFile
	if err := readTOML("--pairs", f.pairsPath, &file); err != nil {
		return nil, err
	}
	if len(file.Pair) == 0 {
		return nil, usage("docs/config.md shows one", "%s: no [[pair]] in it", f.pairsPath)
	}
	var pairs []pair
	for i := range file.Pair {
		t := &file.Pair[i]
		if t.Name == "" {
			return nil, usage("each [[pair]] has a name = \"...\" of its own", "%s: pair %d has no name", f.pairsPath, i+1)
		}
		if slices.ContainsFunc(pairs, func(p pair) bool { return p.name == t.Name }) {
			return nil, usage("each [[pair]] has a name = \"...\" of its own", "%s: two pairs are called %q", f.pairsPath, t.Name)
		}
		c, err := f.pair(t, args)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, pair{t.Name, c})
	}
	return pairs, nil
}

// pair returns what the command line args asks for with one pair's reports.
func (f *flags) pair(t *pairTable, args []string) (*config, error) {
	where := f.pairsPath + ": pair " + t.Name
	g := newFlags()
	if err := parseFlags(g.set, args, allFlagsHint); err != nil {
		return nil, err
	}
	for _, v := range t.Regression {
		if err := g.set.Set("regression", v); err != nil {
			return nil, usage("leave it out for a mock against a model", "%s: regression = %s: not true or false", where, v)
		}
	}
	first, second, names := t.Mock, t.E2E, "mock and e2e"
	if g.options.Regression {
		names = "base and new"
		if first, second = t.Base, t.New; t.Mock != nil || t.E2E != nil {
			first = nil
		}
	} else if t.Base != nil || t.New != nil {
		first = nil
	}
	if len(first) == 0 || len(second) == 0 {
		return nil, usage("a regression check has base and new, a comparison mock and e2e", "%s: needs %s", where, names)
	}
	g.mock.args, g.e2e.args = beside(f.pairsPath, first), beside(f.pairsPath, second)
	if err := g.apply(where, &t.configTable); err != nil {
		return nil, err
	}
	if err := g.configure(); err != nil {
		return nil, err
	}
	return &g.config, g.finish()
}

// beside returns paths that are relative to the folder of a file as they are
// from here.
func beside(file string, paths []string) []string {
	list := make([]string, len(paths))
	for i, p := range paths {
		if !filepath.IsAbs(p) {
			p = filepath.Join(filepath.Dir(file), p)
		}
		list[i] = p
	}
	return list
}

// runPairs makes all comparisons, one after another. One that cannot be made
// is reported, and the others are made. The status is the worst of them.
func (c *config) runPairs(ctx context.Context, env environment) (document, error) {
	var d document
	for _, o := range c.outputs {
		if !render.TakesPairs(o.format.Name) {
			return d, usage("use --format text, markdown, json, csv, junit or github, or one run for each pair",
				"%s holds one comparison, and --pairs makes several", o.format.Name)
		}
	}
	results := make([]render.Pair, len(c.pairs))
	unread := make([]error, len(c.pairs))
	var reports []string
	for i, p := range c.pairs {
		unread[i] = p.config.expand()
		reports = append(reports, p.config.reports()...)
	}
	if err := checkOutputs(c.outputs, reports); err != nil {
		return d, err
	}
	for i, p := range c.pairs {
		x := &results[i]
		x.Name = p.name
		x.Fails = p.config.fails
		r, err := (*align.Result)(nil), unread[i]
		if err == nil {
			r, err = p.config.result(ctx, env)
		}
		if ctx.Err() != nil {
			return d, ctx.Err()
		}
		if err != nil {
			x.Status = exitTrouble
			for _, w := range wrongs(err) {
				x.Trouble = append(x.Trouble, render.Trouble{Message: w.msg, Hint: w.hint})
				w.msg = "pair " + p.name + ": " + w.msg
				w.print(env.stderr)
			}
		} else {
			x.Result, x.Status = r, exitStatus(r, p.config.failOn)
		}
		d.status = max(d.status, x.Status)
	}
	d.render = func(w io.Writer, f render.Format, o render.Options) error {
		return render.Pairs(w, f, results, o)
	}
	d.stepSummary = func(w io.Writer, o render.Options, limit int) error {
		return render.PairsStepSummary(w, results, o, limit)
	}
	c.warnIdlePairs(results, env.now())
	return d, nil
}

// warnIdlePairs warns of what pairs accept and none of them has. Pairs that accept the same,
// as the file of all does, are looked at together.
func (c *config) warnIdlePairs(pairs []render.Pair, now time.Time) {
	var order []string
	known := map[string]align.Acceptance{}
	results := map[string][]*align.Result{}
	for i, p := range c.pairs {
		if pairs[i].Result == nil {
			continue
		}
		for _, a := range p.config.policy.at(now) {
			key := fmt.Sprintf("%q %q %q %q", a.Pattern, a.Codes, a.Reason, a.Expired)
			if _, ok := known[key]; !ok {
				known[key] = a
				order = append(order, key)
			}
			results[key] = append(results[key], pairs[i].Result)
		}
	}
	for _, key := range order {
		warnIdle([]align.Acceptance{known[key]}, results[key]...)
	}
}
