package main

import (
	"slices"
	"time"
)

// rows are all rows, in the order of the table. The bars stand here and
// nowhere else.
func rows() []Row {
	return slices.Concat(hostRows(), idleRows(), growthRows(), muxerRows(), partRows())
}

// A family is Troupe and go-libp2p with the same security channel, and what the
// machine can do at most with it.
type family struct {
	name, troupe, golibp2p, limit string
}

func (f family) both() []string { return []string{f.troupe, f.golibp2p} }

func families() (noise, tls, plain family) {
	return family{"noise", troupeNoise, goNoise, rawRecords},
		family{"tls", troupeTLS, goTLS, rawTCP},
		family{"plain", troupePlain, goPlain, rawTCP}
}

// writeSizes are those of the plots of throughput.
func writeSizes() []int {
	return []int{kib, 4 * kib, 16 * kib, 64 * kib, 256 * kib, kib * kib}
}

// hostRows are whole hosts that carry bytes.
func hostRows() []Row {
	noise, tls, plain := families()
	all := slices.Concat(
		bulkRows(noise, map[int][]Bar{
			64 * kib: {against(troupeNoise, 1.15, goNoise), against(troupeNoise, 0.85, rawRecords)},
			4 * kib:  {against(troupeNoise, 1.4, goNoise)},
		}, 1.05),
		bulkRows(tls, map[int][]Bar{64 * kib: {against(troupeTLS, 1.1, goTLS)}}, 1.05),
		bulkRows(plain, map[int][]Bar{64 * kib: {against(troupePlain, 0.9, rawTCP)}}, 1.0),
	)
	for _, o := range []struct {
		n     int
		limit float64
	}{{1, 2}, {64, 1.6}} {
		all = append(all, Row{
			Name: "noise: open + 32 B echo + close, " + together(o.n), Figure: perSecond,
			Work: Work{Kind: "open", Streams: o.n, Size: 32}, Who: noise.both(),
			Bars:   []Bar{against(troupeNoise, o.limit, goNoise)},
			Points: []Point{bar("streams", "host, "+together(o.n), "")},
		})
	}
	all = append(all, Row{
		Name: "noise: echo of 32 B on an open stream", Figure: p50, Smaller: true,
		Work: Work{Kind: "echo", Size: 32}, Who: append(noise.both(), rawTCP),
		Bars: []Bar{against(troupeNoise, 0.9, goNoise),
			{Of: troupeNoise, Against: []string{goNoise}, Limit: 0.9, Figure: p99}, against(troupeNoise, 2.2, rawTCP)},
		Points: []Point{bar("rtt", "host, p50", p50), bar("rtt", "host, p99", p99)},
	})
	for _, n := range []int{1, 16} {
		all = append(all, Row{
			Name: "noise: connections, " + together(n), Figure: perSecond,
			Work: Work{Kind: "connect", Conns: n}, Who: noise.both(),
			Bars:   []Bar{against(troupeNoise, 1.5, goNoise)},
			Points: []Point{bar("connections", together(n), "")},
		})
	}
	return append(all, Row{
		Name: "noise: allocations on a busy stream", Figure: perWrite, Smaller: true,
		Work: Work{Kind: "allocations", Streams: 1, Size: 4 * kib}, Who: noise.both(),
		Bars: []Bar{most(troupeNoise, 1, perWrite), most(troupeNoise, 1, perRead)},
	})
}

// bulkRows are one stream with each size of write, and 100 streams.
func bulkRows(f family, bars map[int][]Bar, limitOf100 float64) []Row {
	var all []Row
	for _, size := range writeSizes() {
		all = append(all, Row{
			Name: bulkName(f.name, 1, size), Figure: megabytes, Work: bulkWork(1, size),
			Who: append(f.both(), f.limit), Bars: bars[size], Points: []Point{at("sizes-"+f.name, size)},
		})
		if size == 64*kib {
			all[len(all)-1].Points = append(all[len(all)-1].Points, growthPoints(f, 1)...)
		}
	}
	return append(all, Row{
		Name: bulkName(f.name, 100, 64*kib), Figure: megabytes, Work: bulkWork(100, 64*kib),
		Who: f.both(), Bars: []Bar{against(f.troupe, limitOf100, f.golibp2p)}, Points: growthPoints(f, 100),
	})
}

// growthPoints puts a bulk row into the plot of growth, which is Noise's.
func growthPoints(f family, streams int) []Point {
	if noise, _, _ := families(); f != noise {
		return nil
	}
	return []Point{at("growth-streams", streams)}
}

// idleRows are what it costs to hold something that does nothing.
func idleRows() []Row {
	noise, tls, plain := families()
	var all []Row
	for _, f := range []family{noise, tls, plain} {
		conns := idleConnsRow(f, 200)
		conns.Points = append(conns.Points, bar("memory-connection", f.name, ""))
		if f == noise {
			conns.Bars = []Bar{against(f.troupe, 0.6, f.golibp2p), most(f.troupe, 3, listenGo)}
		}
		all = append(all, conns)
	}
	streams := idleStreamsRow(noise, 1000)
	streams.Points = append(streams.Points, bar("memory-stream", "both ends", ""))
	streams.Bars = []Bar{against(troupeNoise, 1.6, goNoise), most(troupeNoise, 3, bothGo)}
	all = append(all, streams)
	for _, n := range []int{100, 1000} {
		all = append(all, Row{
			Name: "noise: work for " + count(n, "idle connection"), Figure: wakeUps, Smaller: true,
			Work: Work{Kind: "idle-work", Conns: n, Settle: settle}, Who: noise.both(),
			Bars: []Bar{most(troupeNoise, keepAlives, "")}, Points: []Point{at("growth-work", n)},
		})
	}
	return all
}

// keepAlives is how often per second an idle connection may wake a process: a
// ping and its answer for either end each 30 s, and that a wake-up of a thread
// may take another thread along.
const keepAlives = 0.2

// settle is how long something must have been left alone to be idle: whoever gives
// resources back does it by then.
const settle = 3 * time.Second

func idleConnsRow(f family, n int) Row {
	r := Row{
		Name: f.name + ": " + count(n, "idle connection") + ", accepting side", Figure: listenBytes, Smaller: true,
		Work: Work{Kind: "idle-conns", Conns: n, Settle: settle}, Who: f.both(),
	}
	if noise, _, _ := families(); f == noise {
		r.Points = []Point{at("growth-connection-memory", n)}
	}
	return r
}

func idleStreamsRow(f family, n int) Row {
	return Row{
		Name: f.name + ": " + count(n, "idle stream") + ", both ends", Figure: bothBytes, Smaller: true,
		Work: Work{Kind: "idle-streams", Streams: n, Settle: settle}, Who: f.both(), Points: []Point{at("growth-stream-memory", n)},
	}
}

// growthRows are more and more of the same.
func growthRows() []Row {
	noise, _, _ := families()
	var all []Row
	for _, n := range []int{10, 1000, 10000} {
		r := Row{
			Name: bulkName(noise.name, n, 64*kib), Figure: megabytes, Work: bulkWork(n, 64*kib),
			Who: noise.both(), Points: growthPoints(noise, n),
		}
		if n == 1000 {
			r.Bars = []Bar{{Of: troupeNoise, Against: []string{troupeNoise}, Limit: 0.8, Row: bulkName(noise.name, 10, 64*kib)}}
		}
		all = append(all, r)
	}
	for _, n := range []int{1, 10, 100, 1000} {
		all = append(all, Row{
			Name: "noise: bulk, " + count(n, "connection") + " with a stream each, 64 KiB writes", Figure: megabytes,
			Work: Work{Kind: "bulk", Conns: n, Streams: 1, Size: 64 * kib}, Who: noise.both(),
			Points: []Point{at("growth-connections", n)},
		})
	}
	for _, n := range []int{10, 100, 10000} {
		all = append(all, idleStreamsRow(noise, n))
	}
	for _, n := range []int{10, 1000} {
		all = append(all, idleConnsRow(noise, n))
	}
	return all
}

// partRows are machines without anything around them, and whole programs.
func partRows() []Row {
	ours := []string{troupeYamux, troupeMplex}
	var bars []Bar
	for _, of := range ours {
		bars = append(bars, most(of, 0, ""))
	}
	programs := []string{minimalTroupe, minimalGo}
	return []Row{{
		Name: "machines: frames of 1 KiB over 10 streams, both ends", Figure: perFrame, Smaller: true,
		Work: Work{Kind: "machines", Streams: 10, Size: kib}, Who: ours, Bars: bars,
	}, {
		Name: "minimal node: from its start until it listens", Figure: startTime, Smaller: true,
		Work: Work{Kind: "start"}, Who: programs, Bars: []Bar{against(minimalTroupe, 0.5, minimalGo)},
	}, {
		Name: "minimal node: size of its program, stripped", Figure: fileSize, Smaller: true,
		Work: Work{Kind: "size"}, Who: programs, Bars: []Bar{most(minimalTroupe, 12, "")},
	}}
}
