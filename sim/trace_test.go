package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func traceOf(events ...Event) *Trace {
	t := &Trace{Seed: 7}
	for _, e := range events {
		t.add(e)
	}
	return t
}

func eventsOf(t *Trace) (all []Event) {
	for c := t.Cursor(); c.Next(); {
		all = append(all, c.Event())
	}
	return all
}

func someEvents() (all []Event) {
	for i := range 300 {
		at := time.Duration(i) * 3 * time.Millisecond
		all = append(all, Event{at, EventStep, fmt.Sprintf("world/host-%d/host/swarm", i%7)})
		if i%50 == 0 {
			f := Crash(fmt.Sprint("host-", i%7))
			all = append(all, Event{at, EventBegin, f.String()}, Event{at, EventDown, f.Hosts[0]},
				Event{at, EventEnd, f.String()}, Event{at, EventUp, f.Hosts[0]}, Event{at, EventLog, "he said \"\n\""},
				Event{at, EventFailure, "oh"})
		}
	}
	return all
}

func TestATraceIsReadAsItWasWritten(t *testing.T) {
	want := someEvents()
	var file bytes.Buffer
	trace := traceOf(want...)
	trace.WriteTo(&file)
	got, err := ReadTrace(&file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, eventsOf(got)); diff != "" || got.Seed != 7 || got.Len() != len(want) {
		t.Errorf("seed %d, %d events: %s", got.Seed, got.Len(), diff)
	}
	more := Event{time.Hour, EventStep, "world/host-1/host/swarm"}
	got.add(more) // it goes on where it was
	if all := eventsOf(got); all[len(all)-1] != more || got.Size() > trace.Size()+12 {
		t.Errorf("%d bytes more end with %v", got.Size()-trace.Size(), all[len(all)-1])
	}
}

func TestADamagedTraceIsAnErrorWhereverItIsCut(t *testing.T) {
	var file bytes.Buffer
	traceOf(someEvents()[:20]...).WriteTo(&file)
	whole := file.Bytes()
	for n := range whole {
		got, err := ReadTrace(bytes.NewReader(whole[:n]))
		if err == nil && got.Len() >= 20 {
			t.Fatalf("%d of %d bytes passed for all", n, len(whole))
		}
	}
	if _, err := ReadTrace(io.MultiReader(bytes.NewReader(whole), strings.NewReader("\x01"))); err == nil {
		t.Error("half an event at the end passed")
	}
	if _, err := ReadTrace(failing{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func FuzzATraceOfAnyBytesIsReadOrRefused(f *testing.F) {
	var file bytes.Buffer
	traceOf(someEvents()[:20]...).WriteTo(&file)
	f.Add(file.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := ReadTrace(bytes.NewReader(data))
		if err != nil {
			return
		}
		var again bytes.Buffer
		got.WriteTo(&again)
		twice, err := ReadTrace(&again)
		if err != nil || Compare(got, twice) != nil {
			t.Error(err)
		}
		if err := errors.Join(got.WriteText(io.Discard), got.WriteJSONL(io.Discard), got.WritePerfetto(io.Discard)); err != nil {
			t.Error(err)
		}
	})
}

func TestTheFirstEventThatDiffersIsFoundWithWhatIsAroundIt(t *testing.T) {
	events := someEvents()
	a := traceOf(events...)
	if d := Compare(a, traceOf(events...)); d != nil {
		t.Errorf("equal traces part: %v", d)
	}
	changed := slices.Clone(events)
	changed[100].Text += "!"
	d := Compare(a, traceOf(changed...))
	if d == nil || d.Number != 101 || len(d.Before) != 8 || len(d.A) != 4 || len(d.B) != 4 || d.A[0] != events[100] || d.B[0] != changed[100] || d.Before[7] != events[99] {
		t.Fatalf("got %v", d)
	}
	if d := Compare(a, traceOf(events[:5]...)); d == nil || d.Number != 6 || len(d.B) != 0 || !strings.Contains(d.String(), "+ (the end)") {
		t.Errorf("got %v", d)
	}
}

func TestTheExportsHaveAnObjectForEachEvent(t *testing.T) {
	events := someEvents()
	trace := traceOf(events...)
	var lines, perfetto, text bytes.Buffer
	if err := errors.Join(trace.WriteJSONL(&lines), trace.WritePerfetto(&perfetto), trace.WriteText(&text)); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(lines.String()), "\n") {
		var got struct {
			N    int
			At   time.Duration
			Kind string
			Text string
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil || got.N != i+1 || got.At != events[i].At || got.Kind != events[i].Kind.String() || got.Text != events[i].Text {
			t.Fatalf("line %d: %s, %v", i+1, line, err)
		}
	}
	if got := strings.Count(text.String(), " step "); got != 300 {
		t.Errorf("the text has %d steps", got)
	}
	var slices []map[string]any
	if err := json.Unmarshal(perfetto.Bytes(), &slices); err != nil {
		t.Fatal(err)
	}
	kinds := map[any]int{}
	for _, s := range slices {
		kinds[s["ph"]]++
	}
	// 300 turns, 6 spans with begin and end, 24 instants; names of 7 actors, and
	// of 7 hosts, the world and the faults.
	if want := (map[any]int{"X": 300, "b": 6, "e": 6, "i": 24, "M": 16}); !cmp.Equal(kinds, want) {
		t.Errorf("got %v", kinds)
	}
}
