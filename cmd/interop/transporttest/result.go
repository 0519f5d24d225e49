package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// times are what a dialer measures.
type times struct {
	handshake time.Duration // from before the dial until the answer to the first ping
	ping      time.Duration // the first ping alone
}

// asJSON is the result in the older form, one line. The third l in the second
// name is the harness's (test-plans, transport-interop/README.md, "Dialer").
func asJSON(t times) string {
	line, err := json.Marshal(struct {
		Handshake float64 `json:"handshakePlusOneRTTMillis"`
		Ping      float64 `json:"pingRTTMilllis"`
	}{milliseconds(t.handshake), milliseconds(t.ping)})
	if err != nil {
		panic(err) // two numbers that are neither infinite nor NaN
	}
	return string(line) + "\n"
}

// asYAML is the result in the newer form (unified-testing,
// docs/write-a-transport-test-app.md, "Results Schema").
func asYAML(t times) string {
	return fmt.Sprintf("latency:\n  handshake_plus_one_rtt: %.3f\n  ping_rtt: %.3f\n  unit: ms\n",
		milliseconds(t.handshake), milliseconds(t.ping))
}

// milliseconds keeps microseconds.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
