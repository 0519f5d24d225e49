package main

import (
	"slices"
	"time"
)

// A flow is what is known of the messages of one traffic: when each was handed
// over, and when it arrived where for the first time. All actors of a simulated
// world take turns, so it needs no lock.
type flow struct {
	name, kind string
	sent       int // messages
	due        int // arrivals that all of them should have
	delays     []time.Duration
	last       time.Duration // when the last one arrived, since the start of the world
	at         map[uint64]time.Duration
	got        map[arrival]struct{}
}

type arrival struct {
	message uint64
	host    string
}

func newFlow(name, kind string) *flow {
	return &flow{name: name, kind: kind, at: map[uint64]time.Duration{}, got: map[arrival]struct{}{}}
}

// sends counts a message for so many receivers, when it is sent first.
func (f *flow) sends(message uint64, receivers int, now time.Duration) {
	if _, again := f.at[message]; again {
		return
	}
	f.at[message] = now
	f.sent++
	f.due += receivers
}

// skips counts messages that could not even be sent.
func (f *flow) skips(messages, receivers int) {
	f.sent += messages
	f.due += messages * receivers
}

// arrives counts the first arrival of a message at a host; one that nobody has
// sent does not count.
func (f *flow) arrives(message uint64, host string, now time.Duration) {
	sent, known := f.at[message]
	if _, again := f.got[arrival{message, host}]; again || !known {
		return
	}
	f.got[arrival{message, host}] = struct{}{}
	f.delays = append(f.delays, now-sent)
	f.last = now
}

// share is how much of what was due has arrived, from 0 to 1.
func (f *flow) share() float64 {
	if f.due == 0 {
		return 1
	}
	return float64(len(f.delays)) / float64(f.due)
}

// A flowResult is a flow for the table and for programs.
type flowResult struct {
	Name    string  `json:"name"`
	Kind    string  `json:"kind"`
	Sent    int     `json:"sent"`
	Due     int     `json:"due"`
	Arrived int     `json:"arrived"`
	Lost    int     `json:"lost"`
	P50     float64 `json:"p50_seconds"`
	P90     float64 `json:"p90_seconds"`
	P99     float64 `json:"p99_seconds"`
	Most    float64 `json:"most_seconds"`
	Last    float64 `json:"last_arrival_seconds"`
	sorted  []time.Duration
}

func (f *flow) result() flowResult {
	d := slices.Sorted(slices.Values(f.delays))
	r := flowResult{Name: f.name, Kind: f.kind, Sent: f.sent, Due: f.due, Arrived: len(d), Lost: f.due - len(d), sorted: d}
	r.P50, r.P90, r.P99, r.Most = quantile(d, 50), quantile(d, 90), quantile(d, 99), quantile(d, 100)
	r.Last = f.last.Seconds()
	return r
}

// quantile is the delay in seconds within which so many percent arrived: the
// nearest rank.
func quantile(sorted []time.Duration, percent int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max((len(sorted)*percent+99)/100, 1)-1].Seconds()
}
