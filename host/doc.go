// Package host is the node that users import: a swarm with its usual parts, and
// the services that run on it.
package host
