package main

import (
	"errors"
	"testing"
	"time"
)

func TestBytesAreSaidInThreeDigits(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 99_949: "99.9 kB", 99_950: "100 kB",
		999_949: "1000 kB", 999_950: "1.0 MB", 10_580_000: "10.6 MB", 300_000_000: "300 MB", 1 << 62: "4.6 EB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestTimesAreSaidAsPeopleDo(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0 µs", 38 * time.Microsecond: "38 µs", 1500 * time.Microsecond: "1.5 ms",
		240 * time.Millisecond: "0.24 s", 30 * time.Second: "30 s", 65 * time.Second: "1 min 5 s", 90 * time.Minute: "1 h 30 min"} {
		if got := timeText(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{6500 * time.Millisecond: "0:07", 62 * time.Second: "1:02", 3753 * time.Second: "1:02:33", 1000 * time.Hour: "long"} {
		if got := leftText(d); got != want {
			t.Errorf("%v left: %q, want %q", d, got, want)
		}
	}
}

func TestNumbersOfBytesAreReadWithTheirUnits(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "500": 500, "10MB": 10_000_000, "1.5 GiB": 3 << 29, "2k": 2000, "7b": 7} {
		if got, err := parseBytes(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MB", "-1", "1XB", "99999999999TB", "1e3"} {
		var usage *usageError
		if n, err := parseBytes(text); !errors.As(err, &usage) {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
}

func TestTextIsCutByCharacters(t *testing.T) {
	if got := cut("grüße", 4); got != "grü…" {
		t.Errorf("cut: %q", got)
	}
	if got := cut("grüße", 5); got != "grüße" {
		t.Errorf("not cut: %q", got)
	}
}
