//go:build !race

package noise

const poolsLeak = false
