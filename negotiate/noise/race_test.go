//go:build race

package noise

// poolsLeak: the race detector's build drops buffers from pools at random.
const poolsLeak = true
