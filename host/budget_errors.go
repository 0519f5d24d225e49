package host

import "fmt"

// A BudgetError is a budget that is too small for a host, or for the limits that
// were set by name. Need is what the least set takes.
type BudgetError struct {
	Have, Need Budget
	Set        bool // some limits were set by name
}

func (e *BudgetError) Error() string {
	text := fmt.Sprintf("the budget of %d KiB of memory and %d descriptors is too small: at least %d KiB and %d descriptors are needed",
		e.Have.Memory>>10, e.Have.Descriptors, (e.Need.Memory+1023)>>10, e.Need.Descriptors)
	if e.Set {
		text += " with the limits that are set; set lower ones, or give more"
	}
	return text
}

// A LimitSetError is a limit that was set to what cannot be.
type LimitSetError struct {
	Name  string
	Value int
	Rule  string
}

func (e *LimitSetError) Error() string {
	return fmt.Sprintf("the limit %s cannot be set to %d: %s", e.Name, e.Value, e.Rule)
}
