package main

import (
	"go/token"
	"slices"
	"strconv"
)

// seeded are the names of math/rand and math/rand/v2 that draw from a source
// somebody has seeded. Every other function there draws from the process's.
var seeded = []string{"ChaCha8", "New", "NewChaCha8", "NewPCG", "NewSource", "NewZipf", "PCG", "Rand", "Source", "Source64", "Zipf"}

// random is the rule that chance comes from package actor, so that a seed
// repeats it. Package peer is free to make keys for users outside any actor.
func random(t *tree) []finding {
	var found []finding
	t.sources(func(p *pkg, f *file) {
		if within(p.dir, "actor") {
			return
		}
		for _, spec := range f.ast.Imports {
			importPath, _ := strconv.Unquote(spec.Path.Value)
			if importPath == "crypto/rand" && p.dir != "negotiate/peer" {
				found = append(found, t.at(spec.Pos(), "crypto/rand is for actor and negotiate/peer: take randomness from actor.Entropy"))
			}
		}
		t.qualified(f, func(importPath, name string, pos token.Pos) {
			if (importPath == "math/rand" || importPath == "math/rand/v2") && !slices.Contains(seeded, name) {
				found = append(found, t.at(pos, "%s.%s draws from the process's source: take the generator from package actor", importPath, name))
			}
		})
	})
	return found
}
