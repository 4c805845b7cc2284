package data

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/vision"
)

// small is a set of n pictures of 8×8 whose first pixel is the index.
func small(n, classes int) *Memory {
	m := &Memory{Source: "small", H: 8, W: 8, C: 1, Pixels: make([]uint8, n*64), Labels: make([]int, n)}
	for i := range n {
		for p := range 64 {
			m.Pixels[i*64+p] = uint8(i + 3*p)
		}
		m.Labels[i] = i % classes
	}
	m.Names = make([]string, classes)
	for i := range m.Names {
		m.Names[i] = fmt.Sprint(i)
	}
	return m
}

// folders writes n pictures of each of two classes and returns the root. The
// pictures named in broken are not decodable.
func folders(t testing.TB, n int, broken ...string) string {
	t.Helper()
	root := t.TempDir()
	for c, class := range []string{"dark", "light"} {
		dir := filepath.Join(root, class)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			name := fmt.Sprintf("%02d.png", i)
			f, err := os.Create(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(broken, class+"/"+name) {
				f.WriteString("no picture at all")
			} else {
				img := image.NewGray(image.Rect(0, 0, 20+i, 30))
				for p := range img.Pix {
					img.Pix[p] = uint8(p*c + i)
				}
				if err := png.Encode(f, img); err != nil {
					t.Fatal(err)
				}
			}
			f.Close()
		}
	}
	return root
}

var eight = input.Preprocess{Size: [2]int{8, 8}, Channels: 1, CropPct: 1}

// record is a copy of a batch.
type record struct {
	step, epoch, index int
	pixels             []float32
	labels, examples   []int
}

func collect(t *testing.T, l *Loader, from, to int) []record {
	t.Helper()
	var all []record
	for b, err := range l.Batches(t.Context(), from, to) {
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Images.Check(); err != nil {
			t.Fatal(err)
		}
		all = append(all, record{
			b.Step, b.Epoch, b.Index,
			slices.Clone(b.Images.Data), slices.Clone(b.Labels), slices.Clone(b.Examples),
		})
	}
	return all
}

func newLoader(t *testing.T, d Dataset, cfg Config) *Loader {
	t.Helper()
	l, err := NewLoader(d, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func equal(a, b record) bool {
	return a.step == b.step && a.epoch == b.epoch && a.index == b.index &&
		slices.Equal(a.pixels, b.pixels) && slices.Equal(a.labels, b.labels) && slices.Equal(a.examples, b.examples)
}

func TestBatchesDependOnSeedAndStepAlone(t *testing.T) {
	files, err := Folder(folders(t, 12, "dark/03.png"))
	if err != nil {
		t.Fatal(err)
	}
	augment := &input.Augment{Crop: input.InceptionCrop, Flip: 0.5}
	for name, d := range map[string]Dataset{"memory": small(100, 5), "files": files} {
		cfg := Config{
			Preprocess: eight, Augment: augment, Batch: 7, Shuffle: true, Remainder: DropRemainder,
			Seed: 5, Workers: 1, Prefetch: 1,
		}
		one := newLoader(t, d, cfg)
		to := 3 * one.Steps()
		want := collect(t, one, 0, to)
		if len(want) != to {
			t.Fatalf("%s: %d batches, want %d", name, len(want), to)
		}
		cfg.Workers, cfg.Prefetch = 5, 4
		many := newLoader(t, d, cfg)
		for i, got := range collect(t, many, 0, to) {
			if !equal(got, want[i]) {
				t.Errorf("%s: batch %d differs between 1 and 5 workers", name, i)
			}
		}
		for _, from := range []int{1, one.Steps(), to - 1} {
			if got := collect(t, many, from, to)[0]; !equal(got, want[from]) {
				t.Errorf("%s: batch %d differs after resuming there", name, from)
			}
		}
		cfg.Seed++
		if got := collect(t, newLoader(t, d, cfg), 0, 1)[0]; slices.Equal(got.examples, want[0].examples) {
			t.Errorf("%s: another seed gives the same order", name)
		}
	}
}

func TestAlternateFlip(t *testing.T) {
	const n, epochs = 50, 4
	l := newLoader(t, small(n, 5), Config{Preprocess: eight, Augment: &input.Augment{AlternateFlip: true}, Batch: 10, Shuffle: true})
	var mirrored [epochs][n]bool
	for _, r := range collect(t, l, 0, epochs*l.Steps()) {
		for i, e := range r.examples {
			row := r.pixels[64*i:][:8] // rises from left to right
			mirrored[r.epoch][e] = row[0] > row[1]
		}
	}
	first := 0
	for e := range n {
		if mirrored[0][e] {
			first++
		}
		for epoch := 1; epoch < epochs; epoch++ {
			if mirrored[epoch][e] == mirrored[epoch-1][e] {
				t.Errorf("example %d is alike in epochs %d and %d", e, epoch-1, epoch)
			}
		}
	}
	if first < n/4 || first > 3*n/4 {
		t.Errorf("%d of %d examples begin mirrored, want about half", first, n)
	}
}

func TestEpochsAreDifferentPermutations(t *testing.T) {
	l := newLoader(t, small(50, 5), Config{Preprocess: eight, Batch: 10, Shuffle: true})
	var orders [2][]int
	for _, r := range collect(t, l, 0, 2*l.Steps()) {
		orders[r.epoch] = append(orders[r.epoch], r.examples...)
	}
	if slices.Equal(orders[0], orders[1]) {
		t.Error("two epochs have the same order")
	}
	for e, o := range orders {
		sorted := slices.Sorted(slices.Values(o))
		for i, v := range sorted {
			if i != v {
				t.Fatalf("epoch %d is no permutation: %v", e, o)
			}
		}
	}
}

func TestRemainder(t *testing.T) {
	for _, c := range []struct {
		remainder Remainder
		sizes     []int
		last      []int
	}{
		{KeepRemainder, []int{4, 4, 2}, []int{8, 9}},
		{DropRemainder, []int{4, 4}, []int{4, 5, 6, 7}},
		{FillRemainder, []int{4, 4, 4}, []int{8, 9, 0, 1}},
	} {
		l := newLoader(t, small(10, 5), Config{Preprocess: eight, Batch: 4, Remainder: c.remainder})
		var sizes, last []int
		for _, r := range collect(t, l, 0, l.Steps()) {
			sizes, last = append(sizes, len(r.labels)), r.examples
			for i, e := range r.examples {
				if r.labels[i] != e%5 {
					t.Errorf("example %d has label %d", e, r.labels[i])
				}
			}
		}
		if !slices.Equal(sizes, c.sizes) || !slices.Equal(last, c.last) {
			t.Errorf("remainder %d: sizes %v, last batch %v; want %v, %v", c.remainder, sizes, last, c.sizes, c.last)
		}
	}
}

func TestUnreadableExamples(t *testing.T) {
	files, err := Folder(folders(t, 5, "dark/01.png", "light/04.png"))
	if err != nil {
		t.Fatal(err)
	}
	keep := newLoader(t, files, Config{Preprocess: eight, Batch: 4, MaxBad: 2})
	var seen []int
	for _, r := range collect(t, keep, 0, keep.Steps()) {
		seen = append(seen, r.examples...)
		if len(r.pixels) != 64*len(r.labels) {
			t.Errorf("batch of %d pictures has %d elements", len(r.labels), len(r.pixels))
		}
	}
	if want := []int{0, 2, 3, 4, 5, 6, 7, 8}; !slices.Equal(seen, want) {
		t.Errorf("evaluated %v, want %v", seen, want)
	}
	bad := keep.Bad()
	if len(bad) != 2 || bad[0].Index != 1 || bad[1].Index != 9 || !errors.Is(bad[0].Err, vision.ErrFormat) {
		t.Errorf("reported %+v", bad)
	}
	fill := newLoader(t, files, Config{Preprocess: eight, Batch: 5, Remainder: FillRemainder, MaxBad: 2})
	var again []int
	for _, r := range collect(t, fill, 0, fill.Steps()) {
		again = append(again, r.examples...)
	}
	if want := []int{0, 2, 2, 3, 4, 5, 6, 7, 8, 0}; !slices.Equal(again, want) {
		t.Errorf("trained on %v, want %v", again, want)
	}
	for _, remainder := range []Remainder{KeepRemainder, DropRemainder} {
		strict := newLoader(t, files, Config{Preprocess: eight, Batch: 4, MaxBad: -1, Remainder: remainder})
		var last error
		for _, err := range strict.Epoch(t.Context(), 0, 0) {
			last = err
		}
		for _, err := range strict.Epoch(t.Context(), 1, 0) {
			last = err
		}
		if !errors.Is(last, ErrTooManyBad) {
			t.Errorf("remainder %d: error %v, want %v", remainder, last, ErrTooManyBad)
		}
	}
}

func TestAllUnreadable(t *testing.T) {
	files, err := Folder(folders(t, 1, "dark/00.png", "light/00.png"))
	if err != nil {
		t.Fatal(err)
	}
	l := newLoader(t, files, Config{Preprocess: eight, Batch: 2, Remainder: DropRemainder, MaxBad: 10})
	for _, err := range l.Epoch(t.Context(), 0, 0) {
		if err == nil {
			t.Fatal("a batch without a readable example")
		}
	}
}

func TestLoaderStops(t *testing.T) {
	before := runtime.NumGoroutine()
	l := newLoader(t, small(1000, 5), Config{Preprocess: eight, Batch: 10, Workers: 4})
	for range l.Epoch(t.Context(), 0, 0) {
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range l.Batches(ctx, 0, 1<<30) {
		if n++; n == 5 {
			cancel()
		}
		last = err
	}
	if !errors.Is(last, context.Canceled) || n != 6 {
		t.Errorf("after %d batches: error %v", n, last)
	}
	for wait := time.Millisecond; runtime.NumGoroutine() > before; wait *= 2 {
		if wait > 5*time.Second {
			t.Fatalf("%d goroutines are left of %d", runtime.NumGoroutine(), before)
		}
		time.Sleep(wait)
	}
}

func TestNewLoaderErrors(t *testing.T) {
	wrong := small(10, 5)
	wrong.Labels[3] = 5
	for name, c := range map[string]struct {
		d   Dataset
		cfg Config
	}{
		"empty":      {small(0, 5), Config{Batch: 1}},
		"no batch":   {small(10, 5), Config{}},
		"too large":  {small(10, 5), Config{Batch: 11, Remainder: DropRemainder}},
		"too big":    {small(10, 5), Config{Batch: math.MaxInt, Remainder: FillRemainder}},
		"label":      {wrong, Config{Batch: 2}},
		"preprocess": {small(10, 5), Config{Batch: 2, Preprocess: input.Preprocess{Channels: 2}}},
		"augment":    {small(10, 5), Config{Batch: 2, Augment: &input.Augment{Flip: 2}}},
	} {
		if _, err := NewLoader(c.d, c.cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	l, err := NewLoader(small(10, 5), Config{Batch: math.MaxInt})
	if err != nil || l.Steps() != 1 || l.Shape().N != 10 {
		t.Errorf("a batch of all and more: %v, %v", l, err)
	}
}

func TestMemoryLoaderDoesNotAllocate(t *testing.T) {
	l := newLoader(t, small(2000, 5), Config{
		Preprocess: eight, Augment: &input.Augment{Crop: input.PadCrop, Pad: 2, Flip: 0.5}, Batch: 100,
		Shuffle: true, Workers: 2,
	})
	perRun := testing.AllocsPerRun(5, func() {
		for _, err := range l.Batches(t.Context(), 0, 20) {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	if perRun > 200 {
		t.Errorf("%v allocations for 2,000 pictures", perRun)
	}
}

func TestSplit(t *testing.T) {
	d := small(103, 5)
	train, held, err := Split(d, 0.2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if train.Len()+held.Len() != 103 || held.Len() != 20 {
		t.Errorf("%d + %d examples", train.Len(), held.Len())
	}
	counts := make([]int, 5)
	seen := map[string]bool{}
	for i := range held.Len() {
		counts[held.Label(i)]++
		seen[held.Name(i)] = true
	}
	for _, n := range counts {
		if n != 4 {
			t.Errorf("held out per class: %v", counts)
			break
		}
	}
	for i := range train.Len() {
		if seen[train.Name(i)] {
			t.Fatalf("%s is in both parts", train.Name(i))
		}
	}
	_, again, _ := Split(d, 0.2, 1)
	_, other, _ := Split(d, 0.2, 2)
	names := func(d Dataset) (s []string) {
		for i := range d.Len() {
			s = append(s, d.Name(i))
		}
		return s
	}
	if !slices.Equal(names(held), names(again)) || slices.Equal(names(held), names(other)) {
		t.Error("the parts are not a function of the seed")
	}
	if _, ok := held.(Sized); !ok {
		t.Error("a part of a sized set is not sized")
	}
}

func TestFolderSkipsWhatIsNoPicture(t *testing.T) {
	root := folders(t, 2)
	if err := os.WriteFile(filepath.Join(root, "light", "notes.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "light", "more"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(root, "light", "00.png"), filepath.Join(root, "light", "more", "A.PNG")); err != nil {
		t.Fatal(err)
	}
	f, err := Folder(root)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	var labels []int
	for i := range f.Len() {
		name, err := filepath.Rel(root, f.Name(i))
		if err != nil {
			t.Fatal(err)
		}
		names, labels = append(names, filepath.ToSlash(name)), append(labels, f.Label(i))
	}
	want := []string{"dark/00.png", "dark/01.png", "light/01.png", "light/more/A.PNG"}
	if !slices.Equal(names, want) || !slices.Equal(labels, []int{0, 0, 1, 1}) {
		t.Errorf("%v %v", names, labels)
	}
}

func TestRelabel(t *testing.T) {
	d, err := Relabel(small(4, 2), []string{"x", "1", "y", "0"})
	if err != nil {
		t.Fatal(err)
	}
	if d.Label(0) != 3 || d.Label(1) != 1 || len(d.Classes()) != 4 {
		t.Errorf("labels %d %d", d.Label(0), d.Label(1))
	}
	if _, err := Relabel(small(4, 2), []string{"0"}); !errors.Is(err, ErrLabel) {
		t.Errorf("error %v", err)
	}
}

// A sequence of steps has the batches that they have in a run of all.
func TestSequence(t *testing.T) {
	l := newLoader(t, small(100, 5), Config{Preprocess: eight, Batch: 7, Shuffle: true, Remainder: DropRemainder, Seed: 5})
	all := collect(t, l, 0, 3*l.Steps())
	step := func(i int) int { return 2 + i/2*4 + i%2 } // the second half of every four
	var got []record
	for b, err := range l.Sequence(t.Context(), 20, step) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, record{b.Step, b.Epoch, b.Index, slices.Clone(b.Images.Data), slices.Clone(b.Labels), slices.Clone(b.Examples)})
	}
	if len(got) != 20 {
		t.Fatalf("%d batches", len(got))
	}
	for i, r := range got {
		if !equal(r, all[step(i)]) {
			t.Errorf("batch %d is not that of step %d", i, step(i))
		}
	}
}
