package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-p2p/troupe/host/store"
	"github.com/troupe-p2p/troupe/host/swarm"
)

// idIn is the peer ID at the end of an address.
func idIn(addr string) string { return addr[strings.Index(addr, "/p2p/")+len("/p2p/"):] }

func TestAToolWithAKeyFindsWhomItHasMetByThePeerIDAlone(t *testing.T) {
	n := startNode(t)
	data := n.put(t, "song", 1000)
	dir := t.TempDir()
	key := filepath.Join(dir, "alice.key")
	want(t, exitOK, "id", "--create", "--key", key)
	id := idIn(n.addr)
	if _, errOut := want(t, exitUsage, "ping", id, "--key", key); !strings.Contains(errOut, "has met nobody yet") {
		t.Errorf("%q", errOut)
	}
	want(t, exitOK, "ping", n.addr, "-c", "1", "--key", key)
	want(t, exitOK, "ls", id, "--key", key)
	want(t, exitOK, "ls", "/p2p/"+id, "--key", key)
	out := filepath.Join(dir, "song")
	want(t, exitOK, "get", "song", id, "--key", key, "-o", out)
	if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	other := startNode(t)
	if _, errOut := want(t, exitUnreachable, "ping", idIn(other.addr), "--key", key); !strings.Contains(errOut, "give a whole address once") {
		t.Errorf("%q", errOut)
	}
	if _, errOut := want(t, exitUsage, "ping", "/p2p/"+id); !strings.Contains(errOut, "give a whole address") {
		t.Errorf("without a key: %q", errOut)
	}
}

func TestANodeKeepsWhomItMetUnlessItIsToForget(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	n := startNode(t, "--key", key)
	// Of a peer that listens the node learns where it can be reached.
	other := startNode(t)
	want(t, exitOK, "ping", other.addr, "-c", "1", "--key", key)
	if _, errOut := want(t, exitFailure, "node", "--key", key); !strings.Contains(errOut, "in use") || !strings.Contains(errOut, "--forget") {
		t.Errorf("%q", errOut)
	}
	if _, errOut := want(t, exitFailure, "ping", idIn(other.addr), "--key", key); !strings.Contains(errOut, "in use") {
		t.Errorf("%q", errOut)
	}
	n.stop()
	want(t, exitOK, "ping", other.addr, "-c", "1", "--key", key)
	s, err := store.Open(peersFile(key))
	if err != nil {
		t.Fatal(err)
	}
	var met []string
	if err := s.Load(func(p swarm.SavedPeer) { met = append(met, p.Peer.String()) }); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if len(met) != 1 || met[0] != idIn(other.addr) {
		t.Errorf("it has met %v", met)
	}

	forgetful := filepath.Join(t.TempDir(), "key")
	startNode(t, "--key", forgetful, "--forget").stop()
	if _, err := os.Stat(peersFile(forgetful)); !os.IsNotExist(err) {
		t.Errorf("it kept something: %v", err)
	}
}

func TestADamagedPeersFileIsNamed(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(peersFile(key), bytes.Repeat([]byte("no database "), 2000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errOut := want(t, exitFailure, "node", "--key", key); !strings.Contains(errOut, "is damaged") || !strings.Contains(errOut, peersFile(key)) {
		t.Errorf("%q", errOut)
	}
}
