package supernet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/mixnet-go/mixnet/internal/filelock"
	"github.com/mixnet-go/mixnet/nas/spacefile"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/weights"
)

// StateFile holds a run's state in its folder.
const StateFile = "supernet.safetensors"

// lockFile is held while a run works in a folder.
const lockFile = "supernet.lock"

// ErrState is wrapped by errors about a state that a run cannot continue from.
var ErrState = errors.New("cannot continue the supernet")

// ErrBusy says that another run works in a folder.
var ErrBusy = errors.New("the supernet is being trained")

// keyState is the state's name in the file's metadata.
const keyState = "mixnet.supernet"

// meta is what a file says besides its tensors.
type meta struct {
	Space   string        `json:"space"` // TOML
	Sharing Sharing       `json:"sharing"`
	Recipe  recipe.Recipe `json:"recipe"`
	Paths   int           `json:"paths"`
	Images  int           `json:"images"`
	State   state         `json:"state"`
}

func (r *run) meta() meta {
	return meta{
		Space: string(spacefile.Encode(r.Net.Space.Table)), Sharing: r.Net.Sharing, Recipe: r.Recipe, Paths: r.Paths, Images: r.Data.Len(), State: r.state,
	}
}

// save writes the state.
func (r *run) save() error {
	m := r.meta()
	m.State.Seconds += time.Since(r.began).Seconds()
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	r.saved = time.Now()
	return weights.WriteFile(filepath.Join(r.Dir, StateFile), r.step.Tensors(), map[string]string{keyState: string(text)})
}

// open locks the folder and reads the state that is there.
func (r *run) open() (release func(), err error) {
	if r.Dir == "" {
		return func() {}, nil
	}
	if err := os.MkdirAll(r.Dir, 0o777); err != nil {
		return nil, err
	}
	lock, err := filelock.Try(filepath.Join(r.Dir, lockFile))
	if errors.Is(err, filelock.ErrHeld) {
		return nil, fmt.Errorf("%w: %s", ErrBusy, r.Dir)
	}
	if err != nil {
		return nil, fmt.Errorf("supernet: %w", err)
	}
	if err := r.restore(); err != nil {
		lock.Release()
		return nil, err
	}
	return lock.Release, nil
}

func (r *run) restore() error {
	f, err := weights.Open(filepath.Join(r.Dir, StateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	defer f.Close()
	found, err := readMeta(f)
	if err != nil {
		return err
	}
	want := r.meta()
	was, now := found, want
	was.State, now.State = state{}, state{}
	a, err := json.Marshal(was)
	b, err2 := json.Marshal(now)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	if string(a) != string(b) {
		return fmt.Errorf("%w: %s: it was begun with another space, recipe, sharing or other images: choose another folder", ErrState, filepath.Join(r.Dir, StateFile))
	}
	r.state = found.State
	if err := r.step.Restore(f, found.State.Step); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	return nil
}

func readMeta(f *weights.File) (meta, error) {
	var m meta
	if err := json.Unmarshal([]byte(f.Metadata()[keyState]), &m); err != nil {
		return m, fmt.Errorf("%w: no state of a supernet: %w", ErrState, err)
	}
	return m, nil
}

// Load returns the supernet of a file that Train has written, and what is
// recorded of its epochs.
func Load(path string) (*Net, []Epoch, error) {
	f, err := weights.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	m, err := readMeta(f)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	space, err := spacefile.Parse(path, []byte(m.Space))
	if err != nil {
		return nil, nil, err
	}
	n, err := New(space, m.Sharing, 0)
	if err != nil {
		return nil, nil, err
	}
	for i, p := range n.Graph.Params {
		if err := f.Read(p.Name, n.Values[i]); err != nil {
			return nil, nil, err
		}
	}
	return n, m.State.History, nil
}
