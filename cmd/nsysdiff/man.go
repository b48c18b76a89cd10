package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// printMan prints a manual page, man(7), made from the flags.
func printMan(w io.Writer) error {
	var b strings.Builder
	b.WriteString(".TH NSYSDIFF 1\n.SH NAME\nnsysdiff \\- compare the GPU kernels of two Nsight Systems reports\n" +
		".SH SYNOPSIS\n.B nsysdiff\n[flags] MOCK E2E\n.br\n.B nsysdiff\n[flags] \\-\\-regression BASE NEW\n.br\n.B nsysdiff\n[flags] REPORT\n" +
		".SH DESCRIPTION\n")
	intro, _, _ := strings.Cut(helpText, "\n\n")
	b.WriteString(roff(strings.ReplaceAll(intro, "\n", " ")) + "\n")
	b.WriteString(".SH OPTIONS\n")
	for _, g := range newFlags().groups {
		b.WriteString(".SS " + roff(g.title) + "\n")
		g.set.VisitAll(func(x *pflag.Flag) {
			if x.Hidden {
				return
			}
			arg, about := pflag.UnquoteUsage(x)
			name := "--" + x.Name
			if x.Shorthand != "" {
				name = "-" + x.Shorthand + ", " + name
			}
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(strings.TrimSpace(name+" "+arg)), roff(about))
		})
	}
	b.WriteString(".SH FINDINGS\nThe codes that \\-\\-fail\\-on takes.\n")
	for _, c := range failCodes() {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(c.code), roff(c.about))
	}
	b.WriteString(".SH EXIT STATUS\n.TP\n.B 0\nno finding that \\-\\-fail\\-on names\n.TP\n.B 1\nat least one\n" +
		".TP\n.B 2\ntrouble: usage, an unreadable report, reports that cannot be compared, a failed write\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// roff escapes text for man(7).
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
