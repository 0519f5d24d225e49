package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v3"
)

// helpWidth is how wide help texts are: what every terminal has.
const helpWidth = 80

// rootHelp is the text of demo --help.
func rootHelp(root *cli.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s - %s\n\nUsage:\n", root.Name, root.Usage)
	fmt.Fprintf(&b, "  %s [options]     tell the story\n  %s COMMAND …     see %s COMMAND --help\n\nCommands:\n", root.Name, root.Name, root.Name)
	for _, c := range root.Commands {
		fmt.Fprintf(&b, "  %-6s %s\n", c.Name, c.Usage)
	}
	fmt.Fprintf(&b, "\nOptions:\n%s\n%s\n", optionsText(root.Flags), root.Description)
	return b.String()
}

// helpText is the text of demo COMMAND --help. further are options of every
// command.
func helpText(c *cli.Command, further ...cli.Flag) string {
	return fmt.Sprintf("demo %s - %s\n\nUsage:\n  demo %s %s\n\n%s\n\nOptions:\n%s",
		c.Name, c.Usage, c.Name, c.ArgsUsage, c.Description, optionsText(append(c.Flags, further...)))
}

// optionsText lists options, wrapped, with --help at the end.
func optionsText(flags []cli.Flag) string {
	type option struct{ name, usage string }
	options := make([]option, 0, len(flags)+1)
	for _, f := range flags {
		d, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		usage, name := d.GetUsage(), ""
		for _, n := range f.Names() {
			if name != "" {
				name += ", "
			}
			name += strings.Repeat("-", min(len(n), 2)) + n
		}
		// The first word between backquotes is what the value stands for.
		if parts := strings.SplitN(usage, "`", 3); len(parts) == 3 {
			name += " " + parts[1]
			usage = strings.Join(parts, "")
		}
		if value := d.GetValue(); d.TakesValue() && value != "" {
			usage += " (without it: " + strings.Trim(value, `"`) + ")"
		}
		options = append(options, option{name, usage})
	}
	options = append(options, option{"--help, -h", "show this"})
	column := 0
	for _, o := range options {
		column = max(column, utf8.RuneCountInString(o.name)+4)
	}
	var b strings.Builder
	for _, o := range options {
		for i, line := range wrap(o.usage, helpWidth-column) {
			if i > 0 {
				o.name = ""
			}
			fmt.Fprintf(&b, "%s%s\n", pad("  "+o.name, column), line)
		}
	}
	return b.String()
}

// pad fills a text up to a width.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(width-utf8.RuneCountInString(text), 0))
}

// wrap breaks a text into lines of at most width characters.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}
