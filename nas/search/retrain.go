package search

import (
	"context"
	"fmt"
	"hash/fnv"
	"path/filepath"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// Retrain trains a candidate from scratch with the search's recipe, for some
// epochs and with a seed of its own, and returns the model and its score on the
// images to choose by. What was begun goes on, and what was done is read.
func (s *Search) Retrain(ctx context.Context, c Candidate, roles data.Roles, epochs int, seed uint64) (*model.Model, float64, error) {
	rec := s.Settings.Recipe
	rec.Epochs, rec.Seed = epochs, seed
	rec, err := rec.Complete(roles.Fit.Len())
	if err != nil {
		return nil, 0, err
	}
	m, err := model.New(c.Network, zoo.Options{}, roles.Fit.Classes(), seed)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", c.Name, err)
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %s %s", c.Group, c.Name, netfile.Encode(c.Network))
	dir := filepath.Join(s.Settings.Dir, "judge", fmt.Sprintf("%016x-%d-%d", h.Sum64(), epochs, seed))
	r, err := train.Prepare(train.Config{Model: m, Recipe: rec, Train: roles.Fit, Val: roles.Choose, Threads: 1, Source: s.Settings.Data, Dir: dir})
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", c.Name, err)
	}
	defer r.Close()
	if err := r.Run(ctx); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", c.Name, err)
	}
	all := r.Epochs()
	return r.Model(), all[len(all)-1].Get("top1"), nil
}
