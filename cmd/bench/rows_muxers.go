package main

import "slices"

// muxerRows are muxers alone over TCP: Troupe's with their actors, and all
// others.
func muxerRows() []Row {
	ours, others := []string{troupeYamux, troupeMplex}, []string{goYamux, goMplex, hashicorpYamux, smux}
	everybody := slices.Concat(ours, others)
	// aims are bars for both of ours, against the best of the others and, if that
	// is not 0, against go-yamux.
	aims := func(best, yamux float64) (bars []Bar) {
		for _, of := range ours {
			bars = append(bars, against(of, best, others...))
			if yamux > 0 {
				bars = append(bars, against(of, yamux, goYamux))
			}
		}
		return bars
	}
	var all []Row
	for _, streams := range []int{1, 100} {
		for _, size := range []int{kib, 4 * kib, 16 * kib, 64 * kib, kib * kib} {
			r := Row{Name: bulkName("muxer", streams, size), Figure: megabytes, Work: bulkWork(streams, size), Who: append(slices.Clone(everybody), rawTCP)}
			aimed := size == 4*kib || size == 64*kib
			switch {
			case aimed:
				r.Bars = aims(1.15, 1.8)
			case streams > 1:
				continue
			}
			if streams == 1 {
				r.Points = []Point{at("sizes-muxers", size)}
			}
			all = append(all, r)
		}
	}
	return append(all, Row{
		Name: "muxer: 100 B request and reply, 100 streams", Figure: perSecond,
		Work: Work{Kind: "requests", Streams: 100, Size: 100}, Who: everybody, Bars: aims(2.5, 0),
		Points: []Point{bar("requests", "", "")},
	}, Row{
		Name: "muxer: flood of 100 B messages, 1 stream", Figure: messages,
		Work: bulkWork(1, 100), Who: everybody, Bars: aims(5, 0),
		Points: []Point{bar("flood", "", "")},
	}, Row{
		Name: "muxer: open + 1 B echo + close, " + together(1), Figure: perSecond,
		Work: Work{Kind: "open", Streams: 1, Size: 1}, Who: everybody, Bars: aims(1.4, 0),
		Points: []Point{bar("streams-muxers", together(1), "")},
	}, Row{
		Name: "muxer: open + 1 B echo + close, " + together(100), Figure: perSecond,
		Work: Work{Kind: "open", Streams: 100, Size: 1}, Who: everybody, Bars: aims(2, 0),
		Points: []Point{bar("streams-muxers", together(100), "")},
	}, Row{
		Name: "muxer: echo of 100 B", Figure: p50, Smaller: true,
		Work: Work{Kind: "echo", Size: 100}, Who: append(slices.Clone(everybody), rawTCP), Bars: aims(1, 0),
		Points: []Point{bar("rtt-muxers", "p50", p50), bar("rtt-muxers", "p99", p99)},
	})
}
