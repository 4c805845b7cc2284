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

// Retrained is a candidate after a training from scratch.
type Retrained struct {
	Model   *model.Model
	Score   float64 // on the images to choose by, after the last epoch
	Seconds float64 // of one thread
}

// RetrainSeed returns the seed of a training from scratch, from 0: the same for
// all searches that hold the same images out.
func (s *Search) RetrainSeed(number int) uint64 {
	return s.SplitSeed() + 1 + uint64(number)
}

// Retrain trains a candidate from scratch with the search's recipe, for some
// epochs and with a seed of its own. What was begun goes on, and what was done is
// read.
func (s *Search) Retrain(ctx context.Context, c Candidate, roles data.Roles, epochs int, seed uint64) (Retrained, error) {
	var out Retrained
	rec := s.Settings.Recipe
	rec.Epochs, rec.Seed = epochs, seed
	rec, err := rec.Complete(roles.Fit.Len())
	if err != nil {
		return out, err
	}
	m, err := model.New(c.Network, zoo.Options{}, roles.Fit.Classes(), seed)
	if err != nil {
		return out, fmt.Errorf("%s: %w", c.Name, err)
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %s %s", c.Group, c.Name, netfile.Encode(c.Network))
	dir := filepath.Join(s.Settings.Dir, "judge", fmt.Sprintf("%016x-%d-%d", h.Sum64(), epochs, seed))
	r, err := train.Prepare(train.Config{Model: m, Recipe: rec, Train: roles.Fit, Val: roles.Choose, Threads: 1, Source: s.Settings.Data, Dir: dir})
	if err != nil {
		return out, fmt.Errorf("%s: %w", c.Name, err)
	}
	defer r.Close()
	if err := r.Run(ctx); err != nil {
		return out, fmt.Errorf("%s: %w", c.Name, err)
	}
	all := r.Epochs()
	return Retrained{r.Model(), all[len(all)-1].Get("top1"), r.Trained().Seconds()}, nil
}
