package swarm

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/stream"
)

// routes is the table of protocols: copied on every change, so that the actors
// of streams read it without a lock. It implements stream.Routes.
type routes struct {
	changed func([]negotiate.Protocol) // called after every change; must not wait

	mu    sync.Mutex // for those who change the table; never held over a wait
	table atomic.Pointer[routeTable]
}

// routeTable is one state of the table; it never changes.
type routeTable struct {
	routes map[negotiate.Protocol]*ownedRoute
	names  []negotiate.Protocol // in alphabetical order
}

type ownedRoute struct {
	stream.Route
	owner string // path of the actor
}

func newRoutes(changed func([]negotiate.Protocol)) *routes {
	r := &routes{changed: changed}
	r.table.Store(&routeTable{})
	return r
}

// Find implements stream.Routes.
func (r *routes) Find(p negotiate.Protocol) *stream.Route {
	if route := r.table.Load().routes[p]; route != nil {
		return &route.Route
	}
	return nil
}

// Protocols implements stream.Routes. Nobody may change the result.
func (r *routes) Protocols() []negotiate.Protocol { return r.table.Load().names }

// add gives a protocol to an actor, for as long as it lives.
func (r *routes) add(owner *actor.Self, p negotiate.Protocol, h stream.Handler) error {
	if err := p.Check(); err != nil {
		return err
	}
	if h == nil {
		return errors.New("swarm: the handler of " + string(p) + " is nil")
	}
	route := &ownedRoute{stream.Route{Protocol: p, Handler: h}, owner.Path()}
	if err := r.enter(route); err != nil {
		return err
	}
	owner.OnEnd(func() {
		r.leave(route)
		route.Close(&HandlerGoneError{Protocol: p, Owner: route.owner, Cause: context.Cause(owner)})
	})
	return nil
}

func (r *routes) enter(route *ownedRoute) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.table.Load()
	if taken := old.routes[route.Protocol]; taken != nil {
		return &ProtocolTakenError{Protocol: route.Protocol, Owner: taken.owner, Wanted: route.owner}
	}
	table := maps.Clone(old.routes)
	if table == nil {
		table = make(map[negotiate.Protocol]*ownedRoute)
	}
	table[route.Protocol] = route
	r.publish(table)
	return nil
}

func (r *routes) leave(route *ownedRoute) {
	r.mu.Lock()
	defer r.mu.Unlock()
	table := maps.Clone(r.table.Load().routes)
	delete(table, route.Protocol)
	r.publish(table)
}

// publish is called with mu held, so that changes are told in their order.
func (r *routes) publish(table map[negotiate.Protocol]*ownedRoute) {
	names := slices.Sorted(maps.Keys(table))
	r.table.Store(&routeTable{table, names})
	r.changed(names)
}
