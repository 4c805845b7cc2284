package data

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/input"
)

// shardedSet is a set of pixels whose examples lie in shards, in turn.
type shardedSet struct {
	Memory
	shards *localShards
}

func (s *shardedSet) shardOf(i int) (shardRef, bool) {
	return shardRef{s.shards, i * len(s.shards.files) / s.Len()}, true
}

func inShards(shards, each int) *shardedSet {
	n := shards * each
	s := &shardedSet{Memory: Memory{H: 1, W: 1, C: 1, Pixels: make([]uint8, n), Labels: make([]int, n), Names: []string{"one"}}, shards: &localShards{}}
	for i := range shards {
		s.shards.files = append(s.shards.files, fmt.Sprint(i))
	}
	return s
}

// An epoch in a window has every example once, those of a window's shards mixed,
// and is a function of seed and epoch.
func TestWindowOrder(t *testing.T) {
	const shards, each, window = 40, 25, 5
	set := inShards(shards, each)
	cfg := Config{Preprocess: input.Preprocess{Size: [2]int{1, 1}, Channels: 1}, Batch: 10, Shuffle: true, Window: window, Remainder: DropRemainder, Seed: 3}
	l, err := NewLoader(set, cfg)
	if err != nil {
		t.Fatal(err)
	}
	order := l.order(0)
	if sorted := slices.Sorted(slices.Values(order)); len(sorted) != shards*each || sorted[0] != 0 || slices.Compact(sorted)[len(order)-1] != shards*each-1 {
		t.Fatal("not every example once")
	}
	if slices.Equal(order, l.order(1)) || !slices.Equal(order, l.order(0)) {
		t.Error("the order is no function of seed and epoch, or none of the epoch")
	}
	// Within any stretch as long as one shard come the examples of window shards
	// or one more, of many of them, from the first step to the last.
	for at := 0; at+each <= len(order); at += each {
		seen := map[int]bool{}
		for _, e := range order[at : at+each] {
			seen[int(e)/each] = true
		}
		if len(seen) > window+2 || len(seen) < window-2 {
			t.Errorf("examples %d to %d are of %d shards, the window has %d", at, at+each, len(seen), window)
		}
	}
	// A batch anywhere is the same without those before it.
	var all, some []int
	for b, err := range l.Batches(t.Context(), 0, 2*l.Steps()) {
		if err != nil {
			t.Fatal(err)
		}
		if b.Step >= l.Steps()+7 {
			all = append(all, b.Examples...)
		}
	}
	for b, err := range l.Batches(t.Context(), l.Steps()+7, 2*l.Steps()) {
		if err != nil {
			t.Fatal(err)
		}
		some = append(some, b.Examples...)
	}
	if !slices.Equal(all, some) {
		t.Error("the batches depend on those before them")
	}
	cfg.Window = shards // all: the order of sets that are no shards
	whole, err := NewLoader(set, cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Window = 0
	if plain, err := NewLoader(set, cfg); err != nil || !slices.Equal(whole.order(0), plain.order(0)) {
		t.Errorf("a window of all shards is another order than none: %v", err)
	}
	half, _, err := Split(set, 0.5, 1)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Window = 2
	if _, err := NewLoader(half, cfg); err != nil {
		t.Errorf("a part of a set: %v", err)
	}
	if _, err := NewLoader(&set.Memory, cfg); !errors.Is(err, ErrWindow) {
		t.Errorf("a window without shards: %v", err)
	}
}
