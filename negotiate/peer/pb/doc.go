// Package pb holds the protobuf messages of package peer: keys, signed
// envelopes and peer records. The code is generated from the .proto files here
// by protoc 3.21 and protoc-gen-go 1.36; nothing outside package peer needs it.
//
//	keys.proto      PublicKey, PrivateKey   libp2p specs, peer-ids/peer-ids.md
//	envelope.proto  Envelope                libp2p specs, RFC/0002
//	record.proto    PeerRecord              libp2p specs, RFC/0003
//
// The protobuf package is troupe.peer, not the name the specs print, because the
// protobuf runtime refuses two files with equal names in one program, and a
// program may hold another libp2p implementation as well. Names are not sent.
package pb

//go:generate protoc --proto_path=../../.. --go_out=../../.. --go_opt=module=github.com/troupe-p2p/troupe negotiate/peer/pb/keys.proto negotiate/peer/pb/envelope.proto negotiate/peer/pb/record.proto
