package train

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data"
)

// unreadable is a set some of whose pictures cannot be read.
type unreadable struct {
	*data.Memory
	bad []int
}

var errUnreadable = errors.New("no picture")

func (u unreadable) Read(i int, s *data.Sample) error {
	if slices.Contains(u.bad, i) {
		return errUnreadable
	}
	return u.Memory.Read(i, s)
}

// Unreadable images are named once, and too many of them end the run.
func TestUnreadableImages(t *testing.T) {
	for _, c := range []struct {
		maxBad int
		err    error
		told   int
	}{{3, nil, 4}, {2, data.ErrTooManyBad, 3}, {-1, data.ErrTooManyBad, 1}} {
		cfg := config(t, "")
		cfg.Recipe.MaxBad = c.maxBad
		cfg.Train = unreadable{stripes(48, 1), []int{3, 10, 40}}
		cfg.Val = unreadable{stripes(30, 2), []int{7}}
		var told []string
		cfg.OnWarning = func(err error) {
			if !errors.Is(err, errUnreadable) {
				t.Errorf("warning %v", err)
			}
			told = append(told, err.Error())
		}
		r, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Run(t.Context()); !errors.Is(err, c.err) {
			t.Errorf("at most %d: error %v, want %v", c.maxBad, err, c.err)
		}
		if slices.Sort(told); len(slices.Compact(told)) != c.told || !strings.HasPrefix(told[0], "skipped stripes") {
			t.Errorf("at most %d: told %q, want %d", c.maxBad, told, c.told)
		}
	}
}

// While the best model cannot be written, the last state is not either: it
// would speak of a best one that is not there.
func TestBestCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	inTheWay := filepath.Join(dir, BestFile, "file")
	if err := errors.Join(os.Mkdir(filepath.Dir(inTheWay), 0o777), os.WriteFile(inTheWay, nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	cfg := config(t, dir)
	cfg.KeepBest = true
	warnings := 0
	cfg.OnWarning = func(error) { warnings++ }
	cfg.OnEpoch = func(e Epoch) {
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if e.Epoch == 3 {
			want = 3
		}
		if got := len(s.Epochs()); got != want || warnings != min(e.Epoch, 2) {
			t.Errorf("after epoch %d: the state is that of %d epochs, want %d; %d warnings", e.Epoch, got, want, warnings)
		}
		if e.Epoch == 2 {
			if err := os.RemoveAll(filepath.Dir(inTheWay)); err != nil {
				t.Fatal(err)
			}
		}
	}
	run(t, cfg)
	whole := t.TempDir()
	cfg = config(t, whole)
	cfg.KeepBest = true
	run(t, cfg)
	equalRuns(t, whole, dir)
}
