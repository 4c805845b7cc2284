package command

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/vision"
)

// trainingSet is a set as training uses it.
type trainingSet struct {
	source string
	splits *data.Splits
	data.Roles
	// watched is what is measured after every epoch: what chooses, else what
	// judges, which then decides nothing.
	watched     data.Dataset
	watchedName string
}

// heldOut is the part of the training images that judges the result, where the
// data has no images for that.
const heldOut = 0.1

// The arguments that a run records for the command.
const (
	argData    = "data"
	argCommand = "command" // the line to paste
	argHeldOut = "held_out"
	// argValSplit is that of runs in which the images that judge chose as well;
	// 0 stands for heldOut.
	argValSplit = "val_split"
)

// setFlags say what is trained on.
type setFlags struct {
	Data     string   `short:"d" placeholder:"DIR" help:"Class folders (with or without train, val, test above them), IDX or CIFAR files. Default: the built-in Fashion-MNIST subset."`
	ValSplit *float64 `placeholder:"F" help:"Part of the training images to hold out and measure the result on, where the data has neither val nor test; 0 trains on all. They choose nothing: the last epoch is the result. Default: 0.1."`

	leakFlags

	chooses bool // what judges chooses as well
}

// Validate is called by the parser.
func (f *setFlags) Validate() error {
	if v := f.ValSplit; v != nil && !(*v >= 0 && *v < 1) {
		return fmt.Errorf("--val-split %g: want 0 to less than 1", *v)
	}
	return nil
}

func (f *setFlags) heldOut() float64 {
	if f.ValSplit != nil {
		return *f.ValSplit
	}
	return heldOut
}

// prepare opens the set and gives its parts their roles. Patience needs images
// to choose by.
func (f *setFlags) prepare(e *env, seed uint64, patience bool) (*trainingSet, error) {
	splits, err := e.openData(f.Data)
	if err != nil {
		return nil, err
	}
	policy := data.Policy{Seed: seed}
	if splits.Test == nil && (splits.Val == nil || patience) && !f.chooses {
		policy.Test = f.heldOut()
	}
	if patience || f.chooses && splits.Test == nil {
		policy.Val = f.heldOut()
	}
	t := &trainingSet{source: source(f.Data), splits: splits}
	if t.Roles, err = splits.Plan(policy); err != nil {
		if errors.Is(err, data.ErrTooFew) {
			err = fmt.Errorf("%w (--val-split 0)", err)
		}
		return nil, fmt.Errorf("%s: %w", t.source, err)
	}
	if t.Coincide && !f.chooses {
		t.Choose, t.ChooseName, t.Coincide = nil, "", false
	}
	if patience && t.Choose == nil {
		return nil, usagef("--patience needs images to choose by: give --val-split more than 0")
	}
	t.watched, t.watchedName = t.Choose, t.ChooseName
	if t.watched == nil {
		t.watched, t.watchedName = t.Judge, t.JudgeName
	}
	return t, nil
}

// roles says which images decide what.
func (t *trainingSet) roles() string {
	switch {
	case t.Judge == nil:
		return "nothing is held out: the last epoch is the result, and nothing measures it"
	case t.Coincide:
		return fmt.Sprintf("%s %s choose the epoch and measure it: the figure is better than on others", thousands(int64(t.Judge.Len())), t.JudgeName)
	case t.Choose != nil:
		return fmt.Sprintf("%s %s choose the epoch, %s %s measure the result", thousands(int64(t.Choose.Len())), strings.TrimSuffix(t.ChooseName, " to choose by"), thousands(int64(t.Judge.Len())), t.JudgeName)
	}
	return fmt.Sprintf("%s %s measure the result and choose nothing: it is the last epoch", thousands(int64(t.Judge.Len())), t.JudgeName)
}

// args are what a run records for the command.
func (f *setFlags) args(e *env) map[string]string {
	return map[string]string{argCommand: e.command(e.args...), argData: f.Data, argHeldOut: strconv.FormatFloat(f.heldOut(), 'g', -1, 64)}
}

// recall takes what was not given from the arguments of a run to continue.
func (f *setFlags) recall(run string, args map[string]string) error {
	if f.Data == "" {
		f.Data = args[argData]
	}
	text, ok := args[argHeldOut]
	if !ok {
		text, f.chooses = args[argValSplit], true
	}
	if f.ValSplit != nil || text == "" {
		return nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", train.ErrCheckpoint, run, err)
	}
	if f.chooses && v == 0 {
		v = heldOut
	}
	f.ValSplit = &v
	return f.Validate()
}

// pictureSize returns the median height and width of a set's pictures, of some
// of them where each is a file of its own; 0 if none can be read.
func pictureSize(d data.Dataset) (h, w int) {
	if sized, ok := d.(data.Sized); ok {
		h, w, _ = sized.Size()
		return h, w
	}
	const looks = 51
	var hs, ws []int
	var s data.Sample
	for i := range min(looks, d.Len()) {
		if d.Read(i*d.Len()/min(looks, d.Len()), &s) != nil {
			continue
		}
		if s.Pixels != nil {
			hs, ws = append(hs, s.Pixels.H), append(ws, s.Pixels.W)
		} else if info, err := vision.Inspect(s.File); err == nil {
			hs, ws = append(hs, info.H), append(ws, info.W)
		}
	}
	if len(hs) == 0 {
		return 0, 0
	}
	slices.Sort(hs)
	slices.Sort(ws)
	return hs[len(hs)/2], ws[len(ws)/2]
}
