package main

import (
	"os"
	"testing"
)

func TestColourAndBarsAreForTerminals(t *testing.T) {
	type dress struct{ bars, color, errColor bool }
	for _, c := range []struct {
		name     string
		out, err bool
		env      map[string]string
		want     dress
	}{
		{"both terminals", true, true, nil, dress{true, true, true}},
		{"a pipe", false, true, nil, dress{false, false, true}},
		{"errors into a file", true, false, nil, dress{true, true, false}},
		{"NO_COLOR", true, true, map[string]string{"NO_COLOR": "1"}, dress{true, false, false}},
		{"an empty NO_COLOR", true, true, map[string]string{"NO_COLOR": ""}, dress{true, true, true}},
		{"a dumb terminal", true, true, map[string]string{"TERM": "dumb"}, dress{}},
	} {
		var got console
		got.dress(c.out, c.err, func(name string) string { return c.env[name] })
		if (dress{got.terminal, got.color, got.errColor}) != c.want {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if c := newConsole(null, null, noEnv); c.terminal || c.color || c.width != 80 {
		t.Errorf("a file that is no terminal: %+v", c)
	}
	if got := (&console{color: true}).look(lookRed, "x"); got != "\x1b[31mx\x1b[0m" {
		t.Errorf("%q", got)
	}
}
