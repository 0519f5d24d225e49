// Package explore walks through every state that a small world can reach, and
// finds the shortest way to one that must not be. It is how machines are checked
// against everything their surroundings may do, not only against what a test's
// author thought of.
//
//	            visit("b fails", w₁)
//	       ┌───────────────────────────▶ w₁ ───▶ …
//	start ─┤                                        Check(w) says what is wrong
//	       └───────────────────────────▶ w₂ ───▶ …  with a world, if anything is
//	            visit("stop", w₂)
//
// A [Model] says where a world begins, what may happen in it, and what must hold
// in every world. The world holds the machine and its surroundings in one
// comparable value; times in it are relative to now and bounded, so that the
// number of worlds is finite. A mistake in a step (an effect that must not be) is
// kept in the world, for Check to report.
//
// [Model.Explore] goes breadth first, so the trace it returns is a shortest one.
// Worlds are kept in memory: a few million are the limit. A check that finds
// nothing proves nothing about itself, so every model is also explored with
// machines in which a bug was planted.
package explore
