package negotiate

import "testing"

// An explorer that finds nothing may be blind. Each of these machines has one
// bug, of a kind that implementations had, and the explorer must find it.
func TestTheExplorerFindsPlantedBugs(t *testing.T) {
	for _, bug := range []struct {
		name   string
		broken string
		habit  habit
		offer  func(o *Offer, ev Event, do []Effect) []Effect
		answer func(a *Answer, ev Event, do []Effect) []Effect
	}{
		{
			name:   "a dialer takes any line for the echo of its last proposal",
			broken: "the dialer agrees before the listener",
			offer: func(o *Offer, ev Event, do []Effect) []Effect {
				if o.phase == offerAwaitAnswer && ev.Kind == Line && ev.Text == NotAvailable && o.next+1 == o.count {
					ev.Text = o.proposal()
				}
				return o.Step(ev, do)
			},
		},
		{
			name:   "a dialer takes a second header for the answer",
			broken: "the dialer agrees before the listener",
			habit:  habit{again: true},
			offer: func(o *Offer, ev Event, do []Effect) []Effect {
				if o.phase == offerAwaitAnswer && ev.Text == Header {
					ev.Text = o.proposal()
				}
				return o.Step(ev, do)
			},
		},
		{
			name:   "a dialer does not expect a second header",
			broken: "an honest remote is accused",
			habit:  habit{again: true},
			offer: func(o *Offer, ev Event, do []Effect) []Effect {
				if o.phase == offerAwaitAnswer && ev.Text == Header {
					return o.fail(RuleAnswer, ev.Text, do)
				}
				return o.Step(ev, do)
			},
		},
		{
			name:   "a listener does not expect a second header",
			broken: "an honest remote is accused",
			habit:  habit{again: true},
			answer: func(a *Answer, ev Event, do []Effect) []Effect {
				if a.phase == answerAwaitProposal && ev.Text == Header {
					return a.fail(RuleRepeat, ev.Text, do)
				}
				return a.Step(ev, do)
			},
		},
		{
			name:   "a dialer is lazy without being asked",
			broken: "a dialer that is not lazy assumes",
			offer: func(o *Offer, ev Event, do []Effect) []Effect {
				do = o.Step(ev, do)
				if ev.Kind == Begin {
					do = append(do, Effect{Kind: Assumed, Text: o.proposal()})
				}
				return do
			},
		},
		{
			name:   "a dialer agrees when it has only asked",
			broken: "the dialer agrees before the listener",
			offer: func(o *Offer, ev Event, do []Effect) []Effect {
				do = o.Step(ev, do)
				if ev.Kind == Begin {
					do = append(do, Effect{Kind: Agreed, Text: o.proposal()})
				}
				return do
			},
		},
		{
			name:   "a dialer skips a proposal after na",
			broken: "a common protocol is refused",
			offer: func(o *Offer, ev Event, do []Effect) []Effect {
				if o.phase == offerAwaitAnswer && ev.Text == NotAvailable && o.next+2 < o.count {
					o.next++
				}
				return o.Step(ev, do)
			},
		},
		{
			name:   "a dialer gives up at the first na",
			broken: "a common protocol is refused",
			offer: func(o *Offer, ev Event, do []Effect) []Effect {
				if ev.Text == NotAvailable {
					o.next = o.count - 1
				}
				return o.Step(ev, do)
			},
		},
		{
			name:   "a dialer begins with its least wanted protocol",
			broken: "the dialer's preference is not kept",
			offer: func(o *Offer, ev Event, do []Effect) []Effect {
				if ev.Kind == Begin && o.count > 1 {
					last := o.count - 1
					o.want[0], o.want[last] = o.want[last], o.want[0]
				}
				return o.Step(ev, do)
			},
		},
		{
			name:   "a dialer pipelines two proposals",
			broken: "lines are left over after the agreement",
			offer: func(o *Offer, ev Event, do []Effect) []Effect {
				do = o.Step(ev, do)
				if ev.Kind == Begin && o.count > 1 {
					do = append(do, Effect{Kind: Write, Text: string(o.want[1])})
				}
				return do
			},
		},
		{
			name:   "a dialer does not notice that the listener is gone",
			broken: "somebody waits for ever",
			offer: func(o *Offer, ev Event, do []Effect) []Effect {
				if ev.Kind == Gone {
					return do
				}
				return o.Step(ev, do)
			},
		},
		{
			name:   "a listener does not notice that the dialer is gone",
			broken: "somebody waits for ever",
			answer: func(a *Answer, ev Event, do []Effect) []Effect {
				if ev.Kind == Gone {
					return do
				}
				return a.Step(ev, do)
			},
		},
		{
			name:   "a listener holds its header back until there is a proposal",
			broken: "somebody waits for ever",
			habit:  habit{patient: true},
			answer: func(a *Answer, ev Event, do []Effect) []Effect {
				if ev.Kind == Line && ev.Text == Header {
					a.headers, a.phase = a.headers+1, answerAwaitProposal
					return do
				}
				return a.Step(ev, do)
			},
		},
		{
			name:   "a listener does not answer an unknown name",
			broken: "somebody waits for ever",
			answer: func(a *Answer, ev Event, do []Effect) []Effect {
				if a.phase == answerAwaitProposal && ev.Kind == Line && !ev.Supported && ev.Text != Header {
					return do
				}
				return a.Step(ev, do)
			},
		},
		{
			name:   "a listener agrees on whatever is proposed",
			broken: "the listener agrees on what it does not support",
			answer: func(a *Answer, ev Event, do []Effect) []Effect {
				ev.Supported = true
				return a.Step(ev, do)
			},
		},
		{
			name:   "a listener echoes without agreeing",
			broken: "somebody waits for ever",
			answer: func(a *Answer, ev Event, do []Effect) []Effect {
				do = a.Step(ev, do)
				if len(do) > 0 && do[len(do)-1].Kind == Agreed {
					do = do[:len(do)-1]
				}
				return do
			},
		},
		{
			name:   "a listener agrees on another protocol than it echoes",
			broken: "the listener agrees on what it does not support",
			answer: func(a *Answer, ev Event, do []Effect) []Effect {
				do = a.Step(ev, do)
				if len(do) > 0 && do[len(do)-1].Kind == Agreed {
					do[len(do)-1].Text = "/d"
				}
				return do
			},
		},
		{
			name:   "a listener forgets its supported names after one na",
			broken: "a common protocol is refused",
			answer: func(a *Answer, ev Event, do []Effect) []Effect {
				if a.attempts > 0 {
					ev.Supported = false
				}
				return a.Step(ev, do)
			},
		},
		{
			name:   "a listener stays when nothing is agreed on",
			broken: "two without a common protocol do not part",
			answer: func(a *Answer, ev Event, do []Effect) []Effect {
				if ev.Kind == Gone {
					return append(do, Effect{Kind: Refused})
				}
				return a.Step(ev, do)
			},
		},
	} {
		t.Run(bug.name, func(t *testing.T) {
			var found *finding
			for _, s := range scenes(bug.habit) {
				if bug.offer != nil {
					s.offer = bug.offer
				}
				if bug.answer != nil {
					s.answer = bug.answer
				}
				if f, _ := explore(t, s); f != nil && f.broken == bug.broken {
					found = f
					break
				}
			}
			if found == nil {
				t.Fatalf("the explorer did not find that %s", bug.broken)
			}
			if len(found.trace) > 12 {
				t.Errorf("the trace is long: %v", found)
			}
		})
	}
}
