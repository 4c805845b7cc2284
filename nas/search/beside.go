package search

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"

	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/nas/supernet"
)

// Own is Settings.Random of a search with a random search of its own.
const Own = "own"

// atRandom is the strategy of a random search.
const atRandom = "random"

// randomSeed is how far the seed of a random search is from that of the search
// beside it, so that the two draw apart.
const randomSeed = 1 << 32

// Beside opens the random search that stands beside a search of its own in the
// same database, and begins or extends it where needed: its networks, images,
// recipe and number of trainings are the search's, so that it costs as much; a
// supernet counts as the trainings it takes the time of. It returns nils for a
// search without one.
func (s *Search) Beside(ctx context.Context, db *store.Store) (*store.Store, *Search, error) {
	if s.Settings.Random != Own {
		return nil, nil, nil
	}
	beside := db.Beside()
	want, err := s.random()
	if err != nil {
		return nil, nil, err
	}
	if err := beside.Create(ctx, want); err != nil && !errors.Is(err, store.ErrExists) {
		return nil, nil, err
	}
	found, err := beside.Search(ctx)
	if err != nil {
		return nil, nil, err
	}
	if found.Trials != want.Trials {
		if err := beside.Extend(ctx, want.Trials); err != nil {
			return nil, nil, err
		}
		found.Trials = want.Trials
	}
	loaded, err := Load(found)
	return beside, loaded, err
}

// random returns the random search that costs as much.
func (s *Search) random() (store.Search, error) {
	r := s.Search
	r.Name, r.Strategy, r.Seed = s.Name+"-random", atRandom, s.Seed+randomSeed
	set := s.Settings
	split := s.SplitSeed()
	set.Split, set.Random, set.Judge, set.Supernet = &split, "", nil, nil
	set.Dir = filepath.Join(set.Dir, atRandom)
	if sn := s.Settings.Supernet; sn != nil {
		r.Trials += sn.trainings(s.Space, s.Fidelity) - sn.Scored
	}
	var err error
	if r.Settings, err = json.Marshal(set); err != nil {
		err = fmt.Errorf("search %s: %w", r.Name, err)
	}
	return r, err
}

// Alike reports whether another search holds the same images out and trains by
// the same recipe, so that its trainings can stand for this one's.
func (s *Search) Alike(other *Search) bool { return s.Differs(other) == "" }

// Differs names what would keep the trainings of two searches from being
// compared; "" for nothing.
func (s *Search) Differs(other *Search) string {
	a, b := &s.Settings, &other.Settings
	for _, part := range []struct {
		name       string
		one, other any
	}{
		{"images", a.Data, b.Data},
		{"number of images", a.Images, b.Images},
		{"images held out", s.SplitSeed(), other.SplitSeed()},
		{"recipe", a.Recipe, b.Recipe},
		{"space", s.Search.Space, other.Search.Space},
		{"limits", a.Limits, b.Limits},
	} {
		if !reflect.DeepEqual(part.one, part.other) {
			return part.name
		}
	}
	return ""
}

// SupernetHours is how long the supernet was trained, on all its threads at the
// same time; 0 without one.
func (s *Search) SupernetHours() float64 {
	if s.Settings.Supernet == nil {
		return 0
	}
	_, epochs, err := supernet.Load(filepath.Join(s.Settings.supernetDir(), supernet.StateFile))
	if err != nil {
		return 0 // it is elsewhere, or not yet there
	}
	sum := 0.0
	for _, e := range epochs {
		sum += e.Seconds
	}
	return sum / 3600
}
