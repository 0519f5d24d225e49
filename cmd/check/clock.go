package main

import "go/token"

// clocks are the names that read a clock or start a timer, by import path.
var clocks = map[string][]string{
	"time":    {"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"},
	"context": {"WithDeadline", "WithDeadlineCause", "WithTimeout", "WithTimeoutCause"},
}

// clock is the rule that time comes from package actor, real there and virtual
// in a simulation.
func clock(t *tree) []finding {
	var found []finding
	t.sources(func(p *pkg, f *file) {
		if within(p.dir, "actor") {
			return
		}
		for _, spec := range f.ast.Imports {
			if spec.Name != nil && spec.Name.Name == "." {
				found = append(found, t.at(spec.Pos(), "import %s under a name: a dot import hides clocks, randomness and goroutines from the reader and from this check", spec.Path.Value))
			}
		}
		t.forbid(f, clocks, func(name string, pos token.Pos) {
			found = append(found, t.at(pos, "%s reads the machine's clock: take the time from package actor, or as an argument", name))
		})
	})
	return found
}
