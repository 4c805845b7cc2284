package supernet

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A run that is interrupted within an epoch, by the context and by an error,
// ends with the same parameters to the bit.
func TestResume(t *testing.T) {
	r, rec := roles(t, 128), small(t)
	s := parse(t, tiny)
	config := func(dir string) Config {
		return Config{Net: supernet(t, s, Sharing{}), Recipe: rec, Data: r.Fit, Dir: dir, Threads: 1, Paths: 2}
	}
	whole := config("")
	epochs, err := Train(t.Context(), whole)
	if err != nil || len(epochs) != 2 {
		t.Fatal(len(epochs), err)
	}
	if epochs[1].Loss >= epochs[0].Loss {
		t.Errorf("the loss went from %g to %g", epochs[0].Loss, epochs[1].Loss)
	}
	dir := t.TempDir()
	for _, stop := range []int{3, 8, 11} {
		ctx, cancel := context.WithCancel(t.Context())
		cfg := config(dir)
		cfg.OnStep = func(p Progress) {
			if p.Step == stop {
				cancel()
			}
		}
		if _, err := Train(ctx, cfg); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
	}
	broken := errors.New("stop")
	cfg := config(dir)
	cfg.OnEpoch = func(Epoch) error { return broken }
	if _, err := Train(t.Context(), cfg); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	parts := config(dir)
	again, err := Train(t.Context(), parts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range epochs {
		if again[i].Loss != epochs[i].Loss || again[i].Top1 != epochs[i].Top1 {
			t.Errorf("epoch %d: %+v, uninterrupted %+v", i+1, again[i], epochs[i])
		}
	}
	// What a process that was killed leaves behind: a state within an epoch.
	killed := config(t.TempDir())
	from := config(t.TempDir())
	from.SaveEvery = 1
	from.OnStep = func(p Progress) {
		if p.Step != 5 {
			return
		}
		state, err := os.ReadFile(filepath.Join(from.Dir, StateFile))
		if err == nil {
			err = os.WriteFile(filepath.Join(killed.Dir, StateFile), state, 0o666)
		}
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := Train(t.Context(), from); err != nil {
		t.Fatal(err)
	}
	first := 0
	killed.OnStep = func(p Progress) {
		if first == 0 {
			first = p.Step
		}
	}
	if _, err := Train(t.Context(), killed); err != nil || first != 5 {
		t.Fatalf("went on with step %d: %v", first, err)
	}
	loaded, _, err := Load(filepath.Join(dir, StateFile))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range whole.Net.Graph.Params {
		if !slices.Equal(whole.Net.Values[i], parts.Net.Values[i]) || !slices.Equal(whole.Net.Values[i], killed.Net.Values[i]) || !slices.Equal(whole.Net.Values[i], loaded.Values[i]) {
			t.Errorf("%s differs", p.Name)
		}
	}
	other := config(dir)
	other.Recipe.Batch = 32
	if _, err := Train(t.Context(), other); !errors.Is(err, ErrState) {
		t.Errorf("another batch: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, StateFile), []byte("no state"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Train(t.Context(), config(dir)); !errors.Is(err, ErrState) {
		t.Errorf("a damaged state: %v", err)
	}
}
