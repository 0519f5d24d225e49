package negotiate

import "math/rand"

// seeded returns randomness that is the same in each run.
func seeded(seed int64) *rand.Rand { return rand.New(rand.NewSource(seed)) }
