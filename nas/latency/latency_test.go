package latency

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/zoo"
)

// Every block that networks drawn at random have occurs in those that are timed.
func TestCover(t *testing.T) {
	for _, name := range nas.Spaces() {
		s, err := nas.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		known := map[string]bool{}
		for _, n := range (&meter{space: s}).cover() {
			for _, p := range pieces(n) {
				known[p] = true
			}
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for range 300 {
			n, err := s.Network(nas.Random(s, rng))
			if err != nil {
				continue
			}
			for _, p := range pieces(n) {
				if !known[p] {
					t.Fatalf("%s: no timed network has %q", name, p)
				}
			}
		}
		t.Logf("%s: %d pieces", name, len(known))
	}
}

// Pieces have the shapes of the graph.
func TestPieces(t *testing.T) {
	s, err := zoo.Lookup("mixnet_s")
	if err != nil {
		t.Fatal(err)
	}
	got := pieces(s.(zoo.Network))
	want := []string{
		"stem 224×224×3 to 16", "112×112×16 to 16: 3", "112×112×16 to 24: 3 stride 2 expand 6 expand groups 2 project groups 2",
		"56×56×24 to 24: 3 expand 3 expand groups 2 project groups 2", "56×56×24 to 40: 3,5,7 stride 2 expand 6 se 0.5 swish",
	}
	if !reflect.DeepEqual(got[:len(want)], want) || got[len(got)-1] != "head 7×7×200 to 1536 and 1000" {
		t.Errorf("%q", got)
	}
}

// tiny is a space of few blocks.
func tiny(t *testing.T) *nas.TableSpace {
	t.Helper()
	s, err := nas.Lookup("mixnet-small")
	if err != nil {
		t.Fatal(err)
	}
	table := s.Table
	table.Base.Input.Size = [2]int{16, 16}
	table.Stages = []nas.StageChoices{
		{Out: []int{8, 16}, Stride: 2, Depth: []int{1, 2}, First: nas.BlockChoices{Kernels: nas.MixKernels(3), Expand: []float64{1, 3}}},
		{Out: []int{16, 24}, Stride: 2, Depth: []int{1, 2}, First: nas.BlockChoices{Kernels: nas.MixKernels(2), Expand: []float64{1, 3}, SE: []float64{0, 0.25}}},
	}
	if s, err = nas.NewTable(table); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMeasure(t *testing.T) {
	s := tiny(t)
	last := 0
	table, err := Measure(t.Context(), s, Options{Threads: 1, Runs: 1, Networks: 5, Progress: func(done, total int) { last = total - done }})
	if err != nil {
		t.Fatal(err)
	}
	if last != 0 || len(table.Fit) != 5 || len(table.Test) != 5 || len(table.Band) != 5 {
		t.Errorf("%d steps left; %d, %d and %d networks", last, len(table.Fit), len(table.Test), len(table.Band))
	}
	seen := map[string]bool{}
	for _, points := range [][]Point{table.Fit, table.Test, table.Band} {
		for _, p := range points {
			a, err := nas.ParseArch(s, p.Arch)
			if err != nil {
				t.Fatal(err)
			}
			n, err := s.Network(a)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := table.Of(n); err != nil || got != p.Predicted || seen[p.Arch] {
				t.Errorf("%s: %v seconds, %v, want %v; seen before: %v", p.Arch, got, err, p.Predicted, seen[p.Arch])
			}
			seen[p.Arch] = true
		}
	}
	if err := errors.Join(table.Check(s), table.Covers(s)); err != nil {
		t.Error(err)
	}
	text, err := json.Marshal(table)
	if err != nil {
		t.Fatal(err)
	}
	var again Table
	if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(&again, table) {
		t.Errorf("read again: %v", err)
	}
	for p := range table.Pieces {
		delete(table.Pieces, p)
		break
	}
	if err := table.Covers(s); !errors.Is(err, ErrPiece) {
		t.Errorf("a table without a block: %v", err)
	}
	again.Scale = math.NaN()
	if again.Check(s) == nil {
		t.Error("a table without a scale passes")
	}
}

func TestQuality(t *testing.T) {
	q := QualityOf([]Point{{MACs: 1, Predicted: 1.05, Measured: 1}, {MACs: 3, Predicted: 1.6, Measured: 2}, {MACs: 2, Predicted: 3, Measured: 3}})
	want := Quality{Networks: 3, MAPE: 0.25 / 3, R2: 1 - (0.0025+0.16)/2, Within10: 2. / 3, Tau: 1, TauMACs: 1. / 3}
	if math.Abs(q.MAPE-want.MAPE) > 1e-12 || math.Abs(q.R2-want.R2) > 1e-12 || math.Abs(q.Within10-want.Within10) > 1e-12 || q.Tau != want.Tau || q.TauMACs != want.TauMACs {
		t.Errorf("%+v, want %+v", q, want)
	}
}

// A line through points on it.
func TestLine(t *testing.T) {
	scale, offset := line([]float64{1, 2, 5}, []Point{{Measured: 5}, {Measured: 7}, {Measured: 13}})
	if math.Abs(scale-2) > 1e-9 || math.Abs(offset-3) > 1e-9 {
		t.Errorf("%g and %g, want 2 and 3", scale, offset)
	}
}
