package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// bytesText is a number of bytes for people, in powers of 1000: "10.6 MB".
func bytesText(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n), ""
	for _, unit = range []string{"kB", "MB", "GB", "TB", "PB", "EB"} {
		value /= 1000
		if value < 999.95 {
			break
		}
	}
	if value < 99.95 {
		return fmt.Sprintf("%.1f %s", value, unit)
	}
	return fmt.Sprintf("%.0f %s", value, unit)
}

// rateText is a speed for people: "98.2 MB/s".
func rateText(n int64, took time.Duration) string {
	return bytesText(int64(perSecond(n, took))) + "/s"
}

// perSecond is n in took as a number a second; a time of nothing counts as a
// microsecond.
func perSecond(n int64, took time.Duration) float64 {
	return math.Round(float64(n) / max(took, time.Microsecond).Seconds())
}

// timeText is a duration for people: "38 µs", "0.24 s", "1 min 5 s".
func timeText(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		d = d.Round(time.Second)
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// leftText is a time that is left, short: "0:07", "1:02:33".
func leftText(d time.Duration) string {
	s := int64(math.Ceil(d.Seconds()))
	if s >= 100*3600 {
		return "long"
	}
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// count is a number of things: "1 file", "3 files".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// parseBytes reads a number of bytes with an optional unit: 500, 10MB, 1.5GiB.
func parseBytes(text string) (int64, error) {
	at := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if at < 0 {
		at = len(text)
	}
	units := map[string]float64{"": 1, "b": 1,
		"k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "t": 1e12, "tb": 1e12,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}
	unit, known := units[strings.ToLower(strings.TrimSpace(text[at:]))]
	value, err := strconv.ParseFloat(text[:at], 64)
	if err != nil || !known || value*unit >= math.MaxInt64 {
		return 0, &usageError{fmt.Sprintf("%q is no number of bytes: write it like 500MB or 2GiB", text)}
	}
	return int64(value * unit), nil
}
