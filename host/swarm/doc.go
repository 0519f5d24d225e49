// Package swarm is the engine of a host: peers, connections, dialing, listening,
// routes, the address book and events.
package swarm
