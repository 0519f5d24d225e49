// Package pb holds the protobuf message of package plaintext. The code is
// generated from negotiate/plaintext/exchange.proto by protoc 3.21 and
// protoc-gen-go 1.36; nothing outside package plaintext needs it.
//
// The protobuf package is troupe.plaintext, because the protobuf runtime refuses
// two files with equal names in one program, and a program may hold another
// libp2p implementation as well. Names are not sent.
package pb

//go:generate protoc --proto_path=../../.. --go_out=../../.. --go_opt=module=github.com/troupe-p2p/troupe negotiate/plaintext/exchange.proto
