package muxer

import "testing"

func TestAQueueTakesNoMoreThanItsLimitAndKeepsTheOrder(t *testing.T) {
	var q Queue[int]
	for i := range 5 {
		if !q.Add(i, 5) {
			t.Fatalf("item %d was not taken", i)
		}
	}
	if q.Add(5, 5) || q.Len() != 5 {
		t.Errorf("a sixth item was taken: %v", q.All())
	}
	for want := range 5 {
		if got := q.First(); got != want {
			t.Errorf("got %d, not %d", got, want)
		}
		q.Drop()
	}
	if q.Len() != 0 || q.items != nil {
		t.Errorf("%d items, memory for %d", q.Len(), cap(q.items))
	}
}

// A queue that is never empty moves on without growing beyond its limit.
func TestAQueueInUseDoesNotGrow(t *testing.T) {
	const limit = 100
	var q Queue[int]
	next, want := 0, 0
	for range 10_000 {
		for q.Add(next, limit) {
			next++
		}
		for range 1 + next%(limit-1) {
			if q.First() != want {
				t.Fatalf("got %d, not %d", q.First(), want)
			}
			q.Drop()
			want++
		}
		if cap(q.items) > 2*limit {
			t.Fatalf("%d items have memory for %d", q.Len(), cap(q.items))
		}
	}
}

func TestABodyIsCutToItsRoomButToNoScrap(t *testing.T) {
	for _, c := range []struct {
		n, room int
		first   bool
		want    int
	}{
		{10, 10, false, 10}, {10, 11, false, 10}, {1, 1, false, 1},
		{10, 9, true, 9}, {10, 9, false, 0}, {10, 0, true, 0}, {10, -3, true, 0},
		{1000, 255, false, 0}, {1000, 256, false, 256}, {1000, 255, true, 255},
	} {
		if got := Cut(c.n, c.room, c.first); got != c.want {
			t.Errorf("%d bytes into %d (first %v): %d, not %d", c.n, c.room, c.first, got, c.want)
		}
	}
}
