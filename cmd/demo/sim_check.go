package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/troupe-p2p/troupe/sim"
)

// The bounds of a scenario, so that a slip of the pen does not take all memory.
const (
	maxSimHosts   = 20_000
	maxSimMessage = 1 << 20
	maxSimFile    = 4 << 30
)

// accesses are how hosts can be connected.
func accesses() map[string]sim.Access {
	return map[string]sim.Access{
		"": {}, "mixed": {}, "datacentre": sim.Datacentre(), "cable": sim.Cable(), "mobile": sim.Mobile(),
		"supernode": sim.Supernode(), "fullnode": sim.Fullnode(),
	}
}

func (l *hostsLine) check() error {
	_, known := accesses()[l.Access]
	switch {
	case l.Name == "" || strings.ContainsAny(l.Name, "/ \t"):
		return fmt.Errorf("%q is no name of a host", l.Name)
	case l.Count != nil && (*l.Count < 1 || *l.Count > maxSimHosts):
		return fmt.Errorf("a count is from 1 to %d", maxSimHosts)
	case !known:
		return fmt.Errorf("there is no access %q", l.Access)
	case !slices.Contains([]string{"", "yamux", "mplex"}, l.Muxer):
		return fmt.Errorf("there is no muxer %q: yamux or mplex", l.Muxer)
	case !slices.Contains([]string{"", "noise", "plaintext"}, l.Security):
		return fmt.Errorf("there is no security %q: noise or plaintext", l.Security)
	}
	return nil
}

// names are the hosts of the line.
func (l *hostsLine) names() []string {
	if l.Count == nil {
		return []string{l.Name}
	}
	names := make([]string, *l.Count)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%d", l.Name, i+1)
	}
	return names
}

// complete fills in what was left out, and says what is wrong.
func (l *trafficLine) complete(number int) error {
	if l.Name == "" {
		l.Name = l.Kind
		if number > 0 {
			l.Name = fmt.Sprintf("%s %d", l.Kind, number+1)
		}
	}
	if l.Every == 0 {
		l.Every = simTime(time.Second)
	}
	most := int64(maxSimMessage)
	pairs := false
	switch l.Kind {
	case "file":
		most, pairs = maxSimFile, true
	case "messages":
		pairs = true
	case "ping", "flood":
		if l.Degree == 0 {
			l.Degree = 4
		}
		if l.Degree < 2 || len(l.Hosts) == 0 || len(l.From)+len(l.To) > 0 {
			return errors.New("it goes on among \"hosts\", each with a \"degree\" of neighbours, at least 2")
		}
	default:
		return fmt.Errorf("there is no traffic %q: file, messages, ping or flood", l.Kind)
	}
	switch {
	case pairs && (len(l.From) == 0 || len(l.To) == 0 || len(l.Hosts) > 0):
		return errors.New("it goes from \"from\" to \"to\": name hosts in both")
	case l.Bytes == 0 && l.Kind != "ping":
		l.Bytes = 1000
	}
	if int64(l.Bytes) > most {
		return fmt.Errorf("%s are more than the %s that are possible", bytesText(int64(l.Bytes)), bytesText(most))
	}
	if l.Arrive < 0 || l.Arrive > 100 {
		return errors.New("\"arrive\" is a part in percent")
	}
	return nil
}

// check looks at what only the whole file says, and puts the hosts of groups where
// groups are named.
func (s *scenario) check() error {
	if s.name == "" {
		return errors.New(`the file is empty: it begins with {"scenario":"NAME","duration":"30s"}`)
	}
	groups := map[string][]string{}
	all := 0
	for i := range s.hosts {
		l := &s.hosts[i]
		if groups[l.Name] != nil {
			return fmt.Errorf("there are two hosts named %s", quoted(l.Name))
		}
		names := l.names()
		for _, n := range names {
			if n != l.Name && groups[n] != nil {
				return fmt.Errorf("there are two hosts named %s", quoted(n))
			}
			groups[n] = []string{n}
		}
		groups[l.Name] = names
		if all += len(names); all > maxSimHosts {
			return fmt.Errorf("there are more than %d hosts", maxSimHosts)
		}
		if l.Region != "" && (s.regions == nil || !slices.Contains(s.regions.Names(), l.Region)) {
			return fmt.Errorf("hosts %s: there is no region %s", l.Name, quoted(l.Region))
		}
	}
	s.groups = groups
	if all == 0 {
		return errors.New(`there are no hosts: add {"hosts":"NAME"}`)
	}
	var unknown error
	spread := func(what string, names []string) (spread []string) {
		for _, n := range names {
			if groups[n] == nil && unknown == nil {
				unknown = fmt.Errorf("%s: there is no host named %s", what, quoted(n))
			}
			spread = append(spread, groups[n]...)
		}
		return spread
	}
	for i := range s.links {
		spread("link", s.links[i].Ends)
	}
	for i := range s.traffic {
		l := &s.traffic[i]
		what := "traffic " + l.Name
		l.From, l.To, l.Hosts = spread(what, l.From), spread(what, l.To), spread(what, l.Hosts)
	}
	for i := range s.faults {
		f := &s.faults[i]
		what := fmt.Sprintf("the fault at %v", f.At)
		f.Hosts = spread(what, f.Hosts)
		f.Sides = slices.Clone(f.Sides)
		for j, side := range f.Sides {
			f.Sides[j] = spread(what, side)
		}
	}
	for i := range s.chaos {
		s.chaos[i].Hosts = spread("chaos", s.chaos[i].Hosts)
	}
	return unknown
}
