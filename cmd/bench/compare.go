package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/urfave/cli/v3"
)

func compareCommand() *cli.Command {
	return &cli.Command{
		Name: "compare", Usage: "say what differs between two files that run has written", ArgsUsage: "A.json B.json",
		Description: `A figure is better or worse when all rounds of B are on one side of all rounds of A,
and both have at least three. Anything else is not told apart from chance, and
marked with ~.`,
		Action: func(_ context.Context, c *cli.Command) error {
			args, err := arguments(c, "A.json", "B.json")
			if err != nil {
				return err
			}
			a, err := load(args[0])
			if err != nil {
				return err
			}
			b, err := load(args[1])
			if err != nil {
				return err
			}
			return compare(os.Stdout, a, b)
		},
	}
}

// enough is how many rounds must agree.
const enough = 3

// change says how b differs from a.
func change(a, b []float64, smallerIsBetter bool) string {
	switch {
	case len(a) < enough || len(b) < enough:
		return "~"
	case slices.Min(b) > slices.Max(a) != smallerIsBetter && (slices.Min(b) > slices.Max(a) || slices.Max(b) < slices.Min(a)):
		return "better"
	case slices.Min(b) > slices.Max(a) || slices.Max(b) < slices.Min(a):
		return "worse"
	default:
		return "~"
	}
}

// compare prints each figure that both have.
func compare(out io.Writer, a, b *Report) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, r := range []*Report{a, b} {
		fmt.Fprintf(w, "%s: %s\n", r.Versions[0].Version, r.what())
	}
	if a.Machine != b.Machine {
		fmt.Fprintln(w, "THE MACHINES DIFFER: the figures cannot be compared")
	}
	if a.Time != b.Time {
		fmt.Fprintln(w, "the measurements took different times")
	}
	fmt.Fprintln(w, "\nrow\twho\tfigure\tA\tB\tB / A\t")
	for _, ra := range a.Rows {
		rb := b.row(ra.Name)
		if rb == nil {
			fmt.Fprintf(w, "%s\t\t\t\tis not there\t\t\n", ra.Name)
			continue
		}
		for _, who := range ra.Who {
			for _, figure := range ra.figures() {
				va, vb := ra.values(who, figure), rb.values(who, figure)
				if len(va) == 0 && len(vb) == 0 {
					continue
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", ra.Name, who, figure, cell(va), cell(vb), quotient(va, vb), change(va, vb, ra.Smaller))
			}
		}
	}
	for _, rb := range b.Rows {
		if a.row(rb.Name) == nil {
			fmt.Fprintf(w, "%s\t\t\tis not there\t\t\t\n", rb.Name)
		}
	}
	return w.Flush()
}

// cell is a median, if there is one.
func cell(values []float64) string {
	if len(values) == 0 {
		return "none"
	}
	return number(median(values))
}

func quotient(a, b []float64) string {
	if len(a) == 0 || len(b) == 0 || median(a) == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", median(b)/median(a))
}
