package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

const completionText = `Prints a script that lets a shell complete flags, their values and reports:

  source <(nsysdiff completion bash)    # in ~/.bashrc
  source <(nsysdiff completion zsh)     # in ~/.zshrc, after compinit
  nsysdiff completion fish | source     # in ~/.config/fish/config.fish
`

// completion prints a shell's completion script, made from the flags.
func completion(_ context.Context, args []string, env environment) error {
	shells := map[string]func() string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	if len(args) != 1 || shells[args[0]] == nil {
		return usage("nsysdiff completion bash|zsh|fish", "completion is for bash, zsh or fish")
	}
	_, err := io.WriteString(env.stdout, shells[args[0]]())
	return err
}

// words returns what may stand behind a subcommand that has no flags.
func (s *subcommand) words() []string {
	switch s.name {
	case "completion":
		return []string{"bash", "zsh", "fish"}
	case "help":
		words := []string{"flags", "man"}
		for _, s := range subcommands() {
			words = append(words, s.name)
		}
		return words
	}
	return nil
}

func subcommandNames() []string {
	var names []string
	for _, s := range subcommands() {
		names = append(names, s.name)
	}
	return names
}

// flagChoices returns the words that a flag takes, nil if it takes others.
func flagChoices(x *pflag.Flag) []string {
	switch v := x.Value.(type) {
	case choiceValue:
		return v.choices
	case codesValue:
		words := []string{"all", "none"}
		for _, c := range failCodes() {
			words = append(words, c.code)
		}
		return words
	}
	return nil
}

// takesFile reports whether a flag's value is the name of a file.
func takesFile(x *pflag.Flag) bool {
	switch flagArg(x) {
	case "FILE", "GLOB", "PROGRAM":
		return true
	}
	return false
}

// bashFiles completes names of files that commands print, one a line: names
// have spaces and stars too.
func bashFiles(commands string) string {
	return "mapfile -t COMPREPLY < <(" + commands + ")"
}

// bashReports lists what stands for a report. Not every bash has extended
// globs.
func bashReports() string {
	var b strings.Builder
	for _, s := range suffixes {
		fmt.Fprintf(&b, `compgen -f -X '!*%s' -- "$cur"; `, s)
	}
	return b.String() + `compgen -d -- "$cur"`
}

// bashFlags returns the body of a function that completes flags of a set, and
// reports elsewhere.
func bashFlags(set *pflag.FlagSet, first []string) string {
	var words []string
	var cases strings.Builder
	set.VisitAll(func(x *pflag.Flag) {
		words = append(words, "--"+x.Name)
		pattern := "--" + x.Name
		if x.Shorthand != "" {
			words = append(words, "-"+x.Shorthand)
			pattern += "|-" + x.Shorthand
		}
		switch c := flagChoices(x); {
		case c != nil:
			fmt.Fprintf(&cases, "    %s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", pattern, strings.Join(c, " "))
		case takesFile(x):
			fmt.Fprintf(&cases, "    %s) %s; return ;;\n", pattern, bashFiles(`compgen -f -- "$cur"`))
		case flagArg(x) != "":
			fmt.Fprintf(&cases, "    %s) return ;;\n", pattern)
		}
	})
	subcommands := ""
	if first != nil {
		subcommands = "\n      [[ $COMP_CWORD == 1 ]] && COMPREPLY+=($(compgen -W '" + strings.Join(first, " ") + "' -- \"$cur\"))"
	}
	return "  case $prev in\n" + cases.String() + `  esac
  case $cur in
    -*) COMPREPLY=($(compgen -W '` + strings.Join(words, " ") + `' -- "$cur")) ;;
    *) ` + bashFiles(bashReports()) + subcommands + ` ;;
  esac
`
}

func bashCompletion() string {
	var b strings.Builder
	b.WriteString("# bash completion for nsysdiff: source <(nsysdiff completion bash)\n")
	var cases strings.Builder
	for _, s := range subcommands() {
		if s.flags == nil {
			fmt.Fprintf(&cases, "      %s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", s.name, strings.Join(s.words(), " "))
			continue
		}
		fmt.Fprintf(&cases, "      %s) _nsysdiff_%s; return ;;\n", s.name, s.name)
		fmt.Fprintf(&b, "_nsysdiff_%s() {\n%s}\n", s.name, bashFlags(s.flags(), nil))
	}
	b.WriteString(`_nsysdiff() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
  compopt -o filenames 2>/dev/null
  if [[ $COMP_CWORD -gt 1 ]]; then
    case ${COMP_WORDS[1]} in
` + cases.String() + `    esac
  fi
` + bashFlags(newFlags().set, subcommandNames()) + `}
complete -F _nsysdiff nsysdiff
`)
	return b.String()
}

var zshEscape = strings.NewReplacer("[", `\[`, "]", `\]`, ":", `\:`, "'", `'\''`)

// zshFlags returns the arguments of _arguments for a set of flags.
func zshFlags(set *pflag.FlagSet) string {
	var b strings.Builder
	set.VisitAll(func(x *pflag.Flag) {
		arg, about := pflag.UnquoteUsage(x)
		spec := "--" + x.Name
		value := ""
		if arg != "" {
			spec += "="
			value = ":" + arg + ":"
			switch c := flagChoices(x); {
			case c != nil:
				value += "(" + strings.Join(c, " ") + ")"
			case takesFile(x):
				value += "_files"
			}
		}
		about = zshEscape.Replace(about)
		fmt.Fprintf(&b, "    '*%s[%s]%s' \\\n", spec, about, value)
		if x.Shorthand != "" {
			fmt.Fprintf(&b, "    '*-%s[%s]%s' \\\n", x.Shorthand, about, value)
		}
	})
	b.WriteString("    '*:report:_files -g \"*(" + strings.Join(suffixes, "|") + ")\"'\n")
	return b.String()
}

func zshCompletion() string {
	var b strings.Builder
	b.WriteString("#compdef nsysdiff\n# zsh completion for nsysdiff: source <(nsysdiff completion zsh)\n_nsysdiff() {\n" +
		"  if (( CURRENT > 2 )); then\n    case $words[2] in\n")
	for _, s := range subcommands() {
		if s.flags == nil {
			fmt.Fprintf(&b, "    %s) compadd %s; return ;;\n", s.name, strings.Join(s.words(), " "))
			continue
		}
		fmt.Fprintf(&b, "    %s) shift words; (( CURRENT-- )); _arguments -s \\\n%s      return ;;\n", s.name, zshFlags(s.flags()))
	}
	b.WriteString("    esac\n  else\n    local -a subcommands=(\n")
	for _, s := range subcommands() {
		fmt.Fprintf(&b, "      '%s:%s'\n", s.name, zshEscape.Replace(s.about))
	}
	b.WriteString("    )\n    _describe subcommand subcommands\n  fi\n  _arguments -s \\\n" + zshFlags(newFlags().set) + "}\n" +
		"if [ \"$funcstack[1]\" = _nsysdiff ]; then _nsysdiff \"$@\"; else compdef _nsysdiff nsysdiff; fi\n")
	return b.String()
}

// fishFlags returns a line for each flag of a set, under a condition.
func fishFlags(set *pflag.FlagSet, condition string) string {
	var b strings.Builder
	set.VisitAll(func(x *pflag.Flag) {
		arg, about := pflag.UnquoteUsage(x)
		fmt.Fprintf(&b, "complete -c nsysdiff -n '%s' -l %s", condition, x.Name)
		if x.Shorthand != "" {
			fmt.Fprintf(&b, " -s %s", x.Shorthand)
		}
		switch c := flagChoices(x); {
		case c != nil:
			fmt.Fprintf(&b, " -x -a '%s'", strings.Join(c, " "))
		case takesFile(x):
			b.WriteString(" -r -F")
		case arg != "":
			b.WriteString(" -x")
		}
		fmt.Fprintf(&b, " -d '%s'\n", fishEscape.Replace(about))
	})
	return b.String()
}

var fishEscape = strings.NewReplacer(`\`, `\\`, "'", `\'`)

func fishCompletion() string {
	var b strings.Builder
	b.WriteString("# fish completion for nsysdiff: nsysdiff completion fish | source\n")
	none := "not __fish_seen_subcommand_from " + strings.Join(subcommandNames(), " ")
	for _, s := range subcommands() {
		fmt.Fprintf(&b, "complete -c nsysdiff -n '__fish_is_first_arg' -a %s -d '%s'\n", s.name, fishEscape.Replace(s.about))
		seen := "__fish_seen_subcommand_from " + s.name
		if s.flags != nil {
			b.WriteString(fishFlags(s.flags(), seen))
		} else {
			fmt.Fprintf(&b, "complete -c nsysdiff -n '%s' -f -a '%s'\n", seen, strings.Join(s.words(), " "))
		}
	}
	b.WriteString(fishFlags(newFlags().set, none))
	return b.String()
}
