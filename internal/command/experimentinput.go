package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/data/garments"
	"github.com/mixnet-go/mixnet/data/store"
	"github.com/mixnet-go/mixnet/experiment"
	"github.com/mixnet-go/mixnet/model"
	nasstore "github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/pretrained/photo"
	"github.com/mixnet-go/mixnet/weights/hub"
)

// experimentInput is what an experiment's trials are done with.
type experimentInput struct {
	data    string       // address of splits; "" for what is built in
	splits  *data.Splits // nil for experiments that need none
	judges  bool         // splits judge, and train nothing
	targets []experiment.Target
	sources []experiment.Source
	objects experiment.Pictures
}

// fit are the images to train on.
func (in *experimentInput) fit() data.Dataset {
	if in.splits == nil {
		return nil
	}
	return in.splits.Train
}

// open opens what an experiment needs.
func (c *experimentRunCmd) open(e *env, x experiment.Experiment, preset experiment.Preset) (*experimentInput, error) {
	if len(c.Weights) > 0 && x.Needs != experiment.Targets && x.Needs != experiment.Weights {
		return nil, usagef("--weights: %s trains networks of its own", x.Name)
	}
	in := &experimentInput{}
	switch {
	case x.Needs == experiment.Nothing && len(c.Data) > 0:
		return nil, usagef("--data: %s reads no images", x.Name)
	case (x.Needs == experiment.Nothing || x.Needs == experiment.Weights) && (c.Seeds > 0 || c.Epochs > 0 || len(c.Set) > 0 || x.Needs == experiment.Nothing && c.Seed > 0):
		return nil, usagef("%s trains nothing: leave out --seeds, --epochs, --seed and --set", x.Name)
	case x.Needs == experiment.Nothing:
		return in, nil
	case preset.Paper && len(c.Data) == 0:
		return nil, usagef("the preset paper is for images that do not come with this program: --data DIR")
	case x.Needs == experiment.Targets:
		err := c.openTargets(e, in, preset)
		if err == nil {
			err = c.openSources(e, in, preset)
		}
		return in, err
	case len(c.Data) > 1:
		return nil, usagef("--data: %s takes one set", x.Name)
	case x.Needs == experiment.Weights && len(c.Data) == 0 && len(c.Weights) > 0:
		return nil, usagef("--weights: on which images are they to be judged? give --data DIR, with ImageNet's classes")
	case x.Needs == experiment.Weights && len(c.Data) == 0:
		return in, nil
	case x.Needs == experiment.Weights:
		in.judges = true
		if err := c.nameWeights(e, in, preset); err != nil {
			return nil, err
		}
	}
	var err error
	if len(c.Data) > 0 {
		if in.data, err = absolute(c.Data[0]); err != nil {
			return nil, err
		}
	}
	if x.Needs == experiment.Objects {
		return in, c.openPictures(e, in, preset)
	}
	if in.splits, err = e.openData(in.data); err == nil {
		e.tell(in.splits)
	}
	return in, err
}

// openPictures opens pictures with boxes, or makes some.
func (c *experimentRunCmd) openPictures(e *env, in *experimentInput, preset experiment.Preset) error {
	var splits *data.Splits
	var err error
	if in.data == "" {
		splits, err = garments.New(garments.Config{Train: preset.Images, Test: preset.Judge, Side: preset.Size})
	} else {
		splits, _, err = e.openObjects(in.data, boxes.Options{})
	}
	if err == nil {
		in.objects, err = experiment.PicturesOf(splits)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", cmp.Or(in.data, madePictures), err)
	}
	return nil
}

// classes is how many the pictures have on which objects are found.
func (in *experimentInput) classes() int {
	if in.objects.Fit == nil {
		return 0
	}
	return len(in.objects.Fit.Classes())
}

// absolute makes the path of a set one from the root, so that another process
// finds it; the address of an object store is one already.
func absolute(path string) (string, error) {
	if store.Is(path) {
		return path, nil
	}
	return filepath.Abs(path)
}

// nameOf parts NAME=ADDRESS; of an address alone the name is the file's.
func nameOf(arg string) experiment.Named {
	name, address := splitNamed(arg)
	if name == "" && address == arg {
		name = strings.TrimSuffix(filepath.Base(address), filepath.Ext(address))
	}
	return experiment.Named{Name: name, Address: address}
}

// openTargets opens the sets to transfer to: the built-in one, but for the
// paper's, and those that are given.
func (c *experimentRunCmd) openTargets(e *env, in *experimentInput, preset experiment.Preset) error {
	var sets []experiment.Named
	if !preset.Paper {
		sets = append(sets, experiment.Named{Name: "fashion-mnist"})
	}
	for _, arg := range c.Data {
		s := nameOf(arg)
		var err error
		if s.Address, err = absolute(s.Address); err != nil {
			return err
		}
		sets = append(sets, s)
	}
	for i, s := range sets {
		if slices.ContainsFunc(sets[:i], func(o experiment.Named) bool { return o.Name == s.Name }) {
			return usagef("--data: two sets are called %s: give NAME=DIR", s.Name)
		}
		splits, err := c.openTarget(e, s.Address)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		splits.Train = data.Cache(splits.Train, cacheBytes)
		in.targets = append(in.targets, experiment.Target{Named: s, Splits: splits})
	}
	return nil
}

// cacheBytes bounds the memory for decoded pictures of a set.
const cacheBytes = 512 << 20

// openTarget opens a set of classes, or as one of classes the objects of a set of
// boxes.
func (c *experimentRunCmd) openTarget(e *env, address string) (*data.Splits, error) {
	splits, err := e.openData(address)
	if errors.Is(err, data.ErrLayout) && !errors.Is(err, data.ErrAmbiguous) {
		if _, none := boxes.Find(address, boxes.Options{}); none == nil {
			return cutObjects(e, address)
		}
	}
	if err == nil && splits.Train == nil {
		err = errors.New("no images to train on")
	}
	return splits, err
}

// cutObjects opens the objects of a set of boxes.
func cutObjects(e *env, address string) (*data.Splits, error) {
	set, err := boxes.Open(e.ctx, address, boxes.Options{Workers: e.cores()})
	if err != nil {
		return nil, err
	}
	splits := set.Splits()
	for _, part := range []*data.Dataset{&splits.Train, &splits.Val, &splits.Test} {
		if *part != nil {
			*part = boxes.Crops((*part).(boxes.Labelled), cacheBytes)
		}
	}
	if splits.Train == nil {
		return nil, errors.New("no images to train on")
	}
	e.note("%s: what the boxes hold, %s\n", address, plural(splits.Train.Len(), "training image"))
	return splits, nil
}

// openSources opens the networks to start from.
func (c *experimentRunCmd) openSources(e *env, in *experimentInput, preset experiment.Preset) error {
	given := c.Weights
	if len(given) == 0 {
		given = preset.Weights
	}
	if len(given) == 0 {
		given = []string{photo.Name}
	}
	for _, arg := range given {
		s := nameOf(arg)
		if !exists(arg) && !strings.Contains(arg, "=") {
			s.Name = arg // of published weights the whole
		}
		s.Address = runCheckpoint(s.Address)
		if slices.ContainsFunc(in.sources, func(o experiment.Source) bool { return o.Name == s.Name }) {
			return usagef("--weights: two networks are called %s: give NAME=FILE", s.Name)
		}
		m, err := (&modelFlags{Model: s.Address, Offline: c.Offline, newHead: !in.judges}).load(e)
		if err == nil {
			err = checkClassifies(m.Header)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		if exists(s.Address) {
			if s.Address, err = filepath.Abs(s.Address); err != nil {
				return err
			}
		}
		in.sources = append(in.sources, experiment.Source{Named: s, Model: m})
	}
	return nil
}

// nameWeights names the weights to judge. Published ones are opened when it is
// their turn, files at once.
func (c *experimentRunCmd) nameWeights(e *env, in *experimentInput, preset experiment.Preset) error {
	if len(c.Weights) > 0 {
		return c.openSources(e, in, preset)
	}
	for _, name := range experiment.PublishedWeights(preset) {
		in.sources = append(in.sources, experiment.Source{Named: experiment.Named{Name: name, Address: name}})
	}
	return nil
}

// loadWeights opens weights to judge. Those that are not in the cache, without
// leave to fetch them, cannot be had.
func (c *experimentRunCmd) loadWeights(e *env) func(context.Context, string) (*model.Model, error) {
	return func(_ context.Context, address string) (*model.Model, error) {
		m, err := (&modelFlags{Model: address, Offline: c.Offline}).load(e)
		if errors.Is(err, hub.ErrOffline) {
			err = fmt.Errorf("%w: %w", nasstore.ErrFails, err)
		}
		return m, err
	}
}

// retryFailed has weights that could not be had tried again.
func retryFailed(e *env, db *nasstore.Store) error {
	trials, err := db.Trials(e.ctx)
	for _, t := range trials {
		if err == nil && t.State == nasstore.Failed {
			err = db.Retry(e.ctx, t.Number)
		}
	}
	return err
}

// trainer does the trials of a plan.
func (in *experimentInput) trainer(plan *experiment.Plan) (experiment.Trainer, error) {
	t := experiment.Trainer{Plan: plan, Targets: in.targets, Sources: in.sources, Pictures: in.objects}
	var err error
	switch {
	case in.splits == nil:
	case in.judges:
		_, t.Roles.Judge = in.splits.Evaluation()
	default:
		if t.Roles, err = plan.Roles(in.splits); err != nil {
			err = fmt.Errorf("%s: %w", source(plan.Data), err)
		}
	}
	return t, err
}
