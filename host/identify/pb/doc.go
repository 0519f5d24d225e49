// Package pb holds the protobuf message of package identify. The code is
// generated from identify.proto here by protoc 3.21 and protoc-gen-go 1.36;
// nothing outside package identify needs it.
//
// The protobuf package is troupe.identify, because the protobuf runtime refuses
// two files with equal names in one program, and a program may hold another
// libp2p implementation as well. Names are not sent.
package pb

//go:generate protoc --proto_path=../../.. --go_out=../../.. --go_opt=module=github.com/troupe-p2p/troupe host/identify/pb/identify.proto
