package muxer

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seats returns n seats that are named by their index.
func seats(n int) []*Seat[int] {
	out := make([]*Seat[int], n)
	for i := range out {
		out[i] = &Seat[int]{Of: i}
	}
	return out
}

// order returns the ring's streams from the first to the last.
func order(r *Ring[int]) []int {
	out := []int{}
	for range r.Len() {
		out = append(out, r.First())
		r.Turn()
	}
	return out
}

func TestARingGivesTurnsInTheOrderOfJoining(t *testing.T) {
	var r Ring[int]
	s := seats(3)
	for _, seat := range s {
		r.Join(seat)
	}
	got := []int{}
	for range 7 {
		got = append(got, r.First())
		r.Turn()
	}
	if diff := cmp.Diff([]int{0, 1, 2, 0, 1, 2, 0}, got); diff != "" {
		t.Error(diff)
	}
}

func TestJoiningTwiceKeepsThePlace(t *testing.T) {
	var r Ring[int]
	s := seats(2)
	r.Join(s[0])
	r.Join(s[1])
	r.Join(s[0])
	if diff := cmp.Diff([]int{0, 1}, order(&r)); diff != "" {
		t.Error(diff)
	}
}

func TestASeatOfAnotherRingPanics(t *testing.T) {
	var a, b Ring[int]
	s := seats(1)
	a.Join(s[0])
	defer func() {
		if recover() == nil {
			t.Error("a seat sat in two rings")
		}
	}()
	b.Join(s[0])
}

// The ring is compared with a slice that does the same slowly.
func TestARingBehavesLikeAListOverRandomOperations(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		var r Ring[int]
		s, list := seats(6), []int{}
		for step := range 300 {
			i := random.IntN(len(s))
			switch random.IntN(3) {
			case 0:
				r.Join(s[i])
				if !slices.Contains(list, i) {
					list = append(list, i)
				}
			case 1:
				r.Leave(s[i])
				list = slices.DeleteFunc(list, func(x int) bool { return x == i })
			case 2:
				r.Turn()
				if len(list) > 0 {
					list = append(list[1:], list[0])
				}
			}
			if diff := cmp.Diff(list, order(&r)); diff != "" {
				t.Fatalf("seed %d, step %d: %s", seed, step, diff)
			}
			for i, seat := range s {
				if seat.Seated() != slices.Contains(list, i) {
					t.Fatalf("seed %d, step %d: seat %d is seated: %v", seed, step, i, seat.Seated())
				}
			}
		}
	}
}

func TestAStreamAloneMaySendAWholeFrameAndSharesWhenOthersWait(t *testing.T) {
	var r Ring[int]
	s := seats(2)
	r.Join(s[0])
	if got := r.Share(64 << 10); got != 64<<10 {
		t.Errorf("alone: %d", got)
	}
	r.Join(s[1])
	if got := r.Share(64 << 10); got != FairShare {
		t.Errorf("two: %d", got)
	}
	if got := r.Share(100); got != 100 {
		t.Errorf("two, with small frames: %d", got)
	}
}
