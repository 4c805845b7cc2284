package command

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/vision"
)

// trainingSet is a set as training uses it.
type trainingSet struct {
	source string
	splits *data.Splits
	// objects is what is known of a set with boxes; nil for others.
	objects *boxes.Set
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
	argTask    = "task" // absent for classification
	argLayout  = "layout"
	argImages  = "images"
	// argValSplit is that of runs in which the images that judge chose as well;
	// 0 stands for heldOut.
	argValSplit = "val_split"
)

// setFlags say what is trained on.
type setFlags struct {
	Data     string   `short:"d" placeholder:"DIR" help:"Class folders (with or without train, val, test above them), IDX or CIFAR files; for --task detect, labels as COCO's, Pascal VOC's, YOLO's or of a CSV list. Default: the built-in Fashion-MNIST subset, or pictures made of it with boxes."`
	Task     string   `default:"classify" enum:"classify,detect" help:"What to train for: classify names the class of an image, detect finds objects in it. Default: ${default}."`
	Layout   string   `default:"" enum:",coco,voc,yolo,csv" help:"With --task detect: the layout of the labels, where --data has several that differ."`
	Images   string   `placeholder:"DIR" help:"With --task detect: the folder with the images, where they do not lie with the labels."`
	ValSplit *float64 `placeholder:"F" help:"Part of the training images to hold out and measure the result on, where the data has neither val nor test; 0 trains on all. They choose nothing: the last epoch is the result. Default: 0.1."`

	leakFlags

	chooses bool // what judges chooses as well
}

// The tasks.
const (
	taskClassify = "classify"
	taskDetect   = "detect"
)

// detects reports whether objects are to be found.
func (f *setFlags) detects() bool { return f.Task == taskDetect }

// Validate is called by the parser.
func (f *setFlags) Validate() error {
	if v := f.ValSplit; v != nil && !(*v >= 0 && *v < 1) {
		return fmt.Errorf("--val-split %g: want 0 to less than 1", *v)
	}
	if !f.detects() && (f.Layout != "" || f.Images != "") {
		return errors.New("--layout and --images are for --task detect")
	}
	return nil
}

// open opens the set. The objects are what is known of one with boxes besides.
func (f *setFlags) open(e *env) (splits *data.Splits, objects *boxes.Set, err error) {
	if !f.detects() {
		splits, err = e.openData(f.Data)
		return splits, nil, err
	}
	return e.openObjects(f.Data, boxes.Options{Layout: boxes.Layout(f.Layout), Images: f.Images})
}

// source names the set.
func (f *setFlags) source() string {
	if f.detects() && f.Data == "" {
		return madePictures
	}
	return source(f.Data)
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
	splits, objects, err := f.open(e)
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
	t := &trainingSet{source: f.source(), splits: splits, objects: objects}
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
	args := map[string]string{argCommand: e.command(e.args...), argData: f.Data, argHeldOut: strconv.FormatFloat(f.heldOut(), 'g', -1, 64)}
	if f.detects() {
		args[argTask], args[argLayout], args[argImages] = f.Task, f.Layout, f.Images
	}
	return args
}

// recall takes what was not given from the arguments of a run to continue.
func (f *setFlags) recall(run string, args map[string]string) error {
	if f.Data == "" {
		f.Data = args[argData]
	}
	if task := args[argTask]; task != "" {
		f.Task = task
	}
	f.Layout, f.Images = cmp.Or(f.Layout, args[argLayout]), cmp.Or(f.Images, args[argImages])
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
