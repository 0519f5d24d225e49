//go:build race

package actor

// raceDetector says that the race detector runs, which makes pure computation
// ten times slower and finds nothing in it.
const raceDetector = true
