package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// A subcommand is a word that stands in the place of reports. A report of that
// name is named with its folder: ./help.
type subcommand struct {
	name  string
	usage string                // behind "nsysdiff "
	about string                // half a line
	text  string                // what its help says, in lines of 80 columns
	flags func() *pflag.FlagSet // as its manual shows them; nil if it has none
	run   func(ctx context.Context, args []string, env environment) error
}

// subcommands returns the subcommands in the order of the manual.
func subcommands() []subcommand {
	return []subcommand{
		{
			name: "summarize", usage: "summarize [flags] REPORT... -o FILE", about: "write what a comparison needs of reports into a small file",
			text: summarizeText, flags: func() *pflag.FlagSet { return newSummarizer().set }, run: summarize,
		},
		{
			name: "merge", usage: "merge [flags] SUMMARY... -o FILE", about: "put summaries of reports of one run together",
			text: mergeText, flags: func() *pflag.FlagSet { return newMerger().set }, run: mergeSummaries,
		},
		{
			name: "init", usage: "init [flags] MOCK E2E... [-o FILE]", about: "write a configuration file from what the two show",
			text: initText, flags: func() *pflag.FlagSet { return newInitializer().set }, run: initialize,
		},
		{
			name: "help", usage: "help [flags|man|SUBCOMMAND]", about: "print help: all flags, the manual page, on a subcommand",
			run: help,
		},
		{
			name: "completion", usage: "completion bash|zsh|fish", about: "print a completion script for a shell",
			text: completionText, run: completion,
		},
	}
}

func lookupSubcommand(name string) (subcommand, bool) {
	for _, s := range subcommands() {
		if s.name == name {
			return s, true
		}
	}
	return subcommand{}, false
}

// misspelt returns the error for a word in the place of a subcommand that is
// nearly one, and no file.
func misspelt(word string) error {
	if strings.ContainsAny(word, "-./*") {
		return nil
	}
	near := nearest(word, subcommandNames())
	if near == "" {
		return nil
	}
	if _, err := os.Stat(word); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return usage("did you mean nsysdiff "+near+"?", "%s: no such file or subcommand", word)
}

// asksForHelp reports whether the arguments of a subcommand without flags are a
// request for help.
func asksForHelp(args []string) bool {
	return len(args) == 1 && (args[0] == "-h" || args[0] == "--help")
}

func help(_ context.Context, args []string, env environment) error {
	switch {
	case len(args) == 0:
		return printHelp(env.stdout)
	case len(args) == 1 && args[0] == "flags":
		return printFlags(env.stdout)
	case len(args) == 1 && args[0] == "man":
		return printMan(env.stdout)
	case len(args) == 1:
		if s, ok := lookupSubcommand(args[0]); ok {
			return s.help(env.stdout)
		}
	}
	words := []string{"flags", "man"}
	for _, s := range subcommands() {
		words = append(words, s.name)
	}
	return usage("nsysdiff help ["+strings.Join(words, "|")+"]", "no help on %q", strings.Join(args, " "))
}
