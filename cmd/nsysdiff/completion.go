package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// completion prints a shell's completion script, made from the flags.
func completion(_ context.Context, args []string, env environment) error {
	shells := map[string]func() string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	if len(args) != 1 || shells[args[0]] == nil {
		return usage("nsysdiff completion bash|zsh|fish", "completion is for bash, zsh or fish")
	}
	_, err := io.WriteString(env.stdout, shells[args[0]]())
	return err
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
	arg := flagArg(x)
	return arg == "FILE" || arg == "PROGRAM"
}

func bashCompletion() string {
	var words []string
	var cases strings.Builder
	newFlags().set.VisitAll(func(x *pflag.Flag) {
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
			fmt.Fprintf(&cases, "    %s) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n", pattern)
		case flagArg(x) != "":
			fmt.Fprintf(&cases, "    %s) return ;;\n", pattern)
		}
	})
	return `# bash completion for nsysdiff: source <(nsysdiff completion bash)
_nsysdiff() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
  compopt -o filenames 2>/dev/null
  case $prev in
` + cases.String() + `  esac
  case $cur in
    -*) COMPREPLY=($(compgen -W '` + strings.Join(words, " ") + `' -- "$cur")) ;;
    *) COMPREPLY=($(compgen -f -X '!*.@(sqlite|nsys-rep)' -- "$cur") $(compgen -d -- "$cur")) ;;
  esac
}
complete -F _nsysdiff nsysdiff
`
}

func zshCompletion() string {
	var b strings.Builder
	b.WriteString("#compdef nsysdiff\n# zsh completion for nsysdiff: source <(nsysdiff completion zsh)\n_nsysdiff() {\n  _arguments -s \\\n")
	newFlags().set.VisitAll(func(x *pflag.Flag) {
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
		about = strings.NewReplacer("[", `\[`, "]", `\]`, ":", `\:`, "'", `'\''`).Replace(about)
		fmt.Fprintf(&b, "    '*%s[%s]%s' \\\n", spec, about, value)
		if x.Shorthand != "" {
			fmt.Fprintf(&b, "    '*-%s[%s]%s' \\\n", x.Shorthand, about, value)
		}
	})
	b.WriteString("    '*:report:_files -g \"*.(sqlite|nsys-rep)\"'\n}\n" +
		"if [ \"$funcstack[1]\" = _nsysdiff ]; then _nsysdiff \"$@\"; else compdef _nsysdiff nsysdiff; fi\n")
	return b.String()
}

func fishCompletion() string {
	var b strings.Builder
	b.WriteString("# fish completion for nsysdiff: nsysdiff completion fish | source\n")
	newFlags().set.VisitAll(func(x *pflag.Flag) {
		arg, about := pflag.UnquoteUsage(x)
		fmt.Fprintf(&b, "complete -c nsysdiff -l %s", x.Name)
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
		fmt.Fprintf(&b, " -d '%s'\n", strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(about))
	})
	return b.String()
}
