// Measure runs commands in turn, so that what else the machine does falls on
// all of them, and prints how long each took as a table in Markdown. The first
// is what the others are compared with.
//
//	measure -runs 5 'cat=cat report.sqlite' 'ours=readreport report.sqlite'
//
// Words of a command are separated by white space; its output is discarded.
// Times are medians over the runs, after one that does not count.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

type command struct {
	name  string
	words []string
	runs  []run
}

type run struct {
	wall, cpu time.Duration
	rss       int64 // peak, bytes
}

func main() {
	runs := flag.Int("runs", 5, "how often to run each command")
	flag.Parse()
	if err := measure(*runs, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func measure(runs int, args []string) error {
	var commands []command
	for _, arg := range args {
		name, line, ok := strings.Cut(arg, "=")
		if !ok || len(strings.Fields(line)) == 0 {
			return fmt.Errorf("%q is not NAME=COMMAND", arg)
		}
		commands = append(commands, command{name: name, words: strings.Fields(line)})
	}
	for i := range runs + 1 {
		for k := range commands {
			c := &commands[k]
			r, err := c.run()
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if i > 0 {
				c.runs = append(c.runs, r)
			}
		}
	}
	fmt.Printf("| command | wall, s | times %s | processor, s | peak memory, MB |\n|---|---|---|---|---|\n", commands[0].name)
	for _, c := range commands {
		wall := c.median(func(r run) float64 { return r.wall.Seconds() })
		fmt.Printf("| %s | %.4f | %.2f | %.3f | %.1f |\n", c.name, wall, wall/commands[0].median(func(r run) float64 { return r.wall.Seconds() }),
			c.median(func(r run) float64 { return r.cpu.Seconds() }), c.median(func(r run) float64 { return float64(r.rss) / 1e6 }))
	}
	return nil
}

// run runs the command once. An exit status of 1 is a comparison that found
// something, which is fine.
func (c *command) run() (run, error) {
	cmd := exec.Command(c.words[0], c.words[1:]...)
	cmd.Stderr = os.Stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if s := cmd.ProcessState; err != nil && (s == nil || s.ExitCode() != 1) {
		return run{}, err
	}
	s := cmd.ProcessState
	r := run{wall: wall, cpu: s.UserTime() + s.SystemTime()}
	if u, ok := s.SysUsage().(*syscall.Rusage); ok {
		r.rss = u.Maxrss * 1024 // Linux counts in KiB
	}
	return r, nil
}

func (c *command) median(value func(run) float64) float64 {
	values := make([]float64, len(c.runs))
	for i, r := range c.runs {
		values[i] = value(r)
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}
