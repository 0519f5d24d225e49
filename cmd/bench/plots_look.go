package main

import (
	"image/color"
	"strings"

	"gonum.org/v1/plot/vg"
)

// A look is how a contender looks in every plot.
type look struct {
	family string // its name without a security channel
	color  color.Color
	dashes []vg.Length
}

// looks are colours that most people can tell apart (Okabe and Ito's), strong ones
// for Troupe, and dashes for what the machine can do at most.
func looks(who string) look {
	dashes := []vg.Length{vg.Points(4), vg.Points(3)}
	for _, l := range []struct {
		prefix string
		look
	}{
		{troupeMplex, look{color: color.RGBA{230, 159, 0, 255}}},
		{"troupe", look{color: color.RGBA{213, 94, 0, 255}}},
		{"go-libp2p", look{color: color.RGBA{0, 114, 178, 255}}},
		{goYamux, look{color: color.RGBA{0, 114, 178, 255}}},
		{goMplex, look{color: color.RGBA{86, 180, 233, 255}}},
		{hashicorpYamux, look{color: color.RGBA{0, 158, 115, 255}}},
		{smux, look{color: color.RGBA{204, 121, 167, 255}}},
		{rawRecords, look{color: color.Gray{60}, dashes: dashes}},
		{rawTCP, look{color: color.Gray{60}, dashes: dashes}},
	} {
		if strings.HasPrefix(who, l.prefix) {
			l.family = l.prefix
			return l.look
		}
	}
	return look{family: who, color: color.Gray{120}}
}
