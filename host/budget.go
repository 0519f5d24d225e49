package host

import (
	"context"
	"errors"
	"math"
	"runtime/debug"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/swarm"
)

const (
	// unknownMemory is what a machine that does not say is taken to have.
	unknownMemory = 2 << 30
	// manyDescriptors is the default where the system has no limit, and the
	// most that a default takes.
	manyDescriptors = 1 << 16
)

// DefaultBudget is what a host may use that was given no [Budget]: half of the
// memory, and three quarters of the descriptors that the process may open
// (RLIMIT_NOFILE; 65536 at most, and where there is no limit). The memory is the
// runtime's soft limit (GOMEMLIMIT, [debug.SetMemoryLimit]) if that is set, and
// otherwise the machine's, or less when a control group says so, and 2 GiB where
// nobody says. The other half is for the program and for garbage. It is never
// less than the least that a host needs.
//
// In a simulation, which must not depend on the machine, a host without a budget
// gets 4 GiB and 65536 descriptors.
func DefaultBudget() Budget {
	memory := debug.SetMemoryLimit(-1) // only reads
	if memory == math.MaxInt64 {
		memory = machineMemory()
	}
	descriptors := openFiles()
	if descriptors <= 0 || descriptors > manyDescriptors*4/3 {
		descriptors = manyDescriptors * 4 / 3
	}
	return Budget{Memory: max(memory/2, MinMemory), Descriptors: max(descriptors*3/4, MinDescriptors)}
}

// or replaces the fields that were not given.
func (b Budget) or(other Budget) Budget {
	if b.Memory == 0 {
		b.Memory = other.Memory
	}
	if b.Descriptors == 0 {
		b.Descriptors = other.Descriptors
	}
	return b
}

// Within gives the host a budget, from which all its limits follow.
func Within(b Budget) Option { return func(o *options) { o.budget = &b } }

// Limit sets one limit by its name, for example "connections"; the others follow
// from the budget as before, from what this one leaves. [Plan] and the command
// demo limits list the names. A value that does not fit is a [*LimitSetError] or
// a [*BudgetError].
func Limit(name string, value int) Option {
	return func(o *options) {
		if o.set == nil {
			o.set = make(map[string]int)
		}
		o.set[name] = value
	}
}

// Limits bound what others can make the host hold, as they are: they take the
// place of the budget, and nobody adds up what they may cost.
func Limits(l swarm.Limits) Option { return func(o *options) { o.limits = &l } }

// planLimits derives the limits.
func (o *options) planLimits(ctx context.Context) {
	if o.limits != nil {
		if o.budget != nil || len(o.set) > 0 {
			o.problems = append(o.problems, errors.New("host.Limits takes the place of a budget: leave it out, or host.Within and host.Limit"))
		}
		o.config.Limits = *o.limits
		return
	}
	budget := Budget{Memory: 4 << 30, Descriptors: manyDescriptors}
	if !actor.NewCrossing(ctx, ctx).Simulated() {
		budget = DefaultBudget()
	}
	if o.budget != nil {
		budget = o.budget.or(budget)
	}
	plan, err := budget.Derive(o.set)
	if err != nil {
		o.problems = append(o.problems, err)
		return
	}
	o.plan = plan
	o.config.Limits = plan.swarm()
}

// Plan is the host's limits with what they come to at worst; nil when it was
// made with [Limits]. Nobody may change it.
func (h *Host) Plan() *Plan { return h.options.plan }
