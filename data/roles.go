package data

import (
	"errors"
	"fmt"
	"slices"
)

// ErrTooFew says that a set has too few pictures to hold some of them out.
var ErrTooFew = errors.New("too few pictures")

// Policy says how many training images to hold out in place of the parts that
// a set lacks.
type Policy struct {
	// Val is the fraction to choose by, such as the best epoch or a rate: of
	// the training images that Test has left. It counts for sets without a
	// validation part. 0 holds nothing out.
	Val float64
	// Test is the fraction of the training images to judge by. It counts for
	// sets without a test part. 0 holds nothing out.
	Test float64
	// Seed draws the images; see [Split].
	Seed uint64
}

// Validate reports a fraction that is not one.
func (p Policy) Validate() error {
	for _, f := range []struct {
		use   string
		value float64
	}{{"choose", p.Val}, {"judge", p.Test}} {
		if !(f.value >= 0 && f.value < 1) {
			return fmt.Errorf("data: hold out a fraction of %v of the training images to %s by: want at least 0 and less than 1", f.value, f.use)
		}
	}
	return nil
}

// Roles says what the images of a set are for. No image has two roles, unless
// Coincide says so.
type Roles struct {
	// Fit is what the weights are trained on.
	Fit Dataset
	// Choose is what decides between epochs and between settings. It is nil
	// where nothing is held out for that: the last epoch is the result.
	Choose Dataset
	// Judge is what the result is measured on; nil where nothing is held out.
	Judge Dataset
	// Coincide says that Choose and Judge are the same images, for want of
	// others: the accuracy of what they have chosen is better on them than on
	// images never seen.
	Coincide bool
	// FitName, ChooseName and JudgeName call the images by what they are, such
	// as "test images" or "held-out images".
	FitName, ChooseName, JudgeName string
	// Single are the classes of which training has one picture only, where
	// images are held out: none can be on both sides.
	Single []string
}

// What the images of a role are called.
const (
	trainingImages   = "training images"
	validationImages = "validation images"
	testImages       = "test images"
	heldOutImages    = "held-out images"
	heldOutToChoose  = "images held out to choose by"
)

// Plan gives the parts of a set their roles. The test part judges and the
// validation part chooses; what is missing is held out of the training part, of
// every class the same fraction, first to judge and then to choose. Where
// nothing is left to judge by, what chooses does.
//
// It returns [ErrLayout] for a set without a training part, and [ErrTooFew] if
// every class has one picture only.
func (s *Splits) Plan(p Policy) (Roles, error) {
	if err := p.Validate(); err != nil {
		return Roles{}, err
	}
	if s.Train == nil {
		name, _ := s.Evaluation()
		return Roles{}, fmt.Errorf("%w to train on: there are %s images only: want a part named train, or class folders without parts", ErrLayout, name)
	}
	r := Roles{
		Fit: s.Train, Choose: s.Val, Judge: s.Test,
		FitName: trainingImages, ChooseName: validationImages, JudgeName: testImages,
	}
	if r.Judge == nil && p.Test > 0 {
		if err := r.holdOut(&r.Judge, p.Test, p.Seed); err != nil {
			return Roles{}, err
		}
		r.JudgeName = heldOutImages
	}
	if r.Choose == nil && p.Val > 0 {
		if err := r.holdOut(&r.Choose, p.Val, p.Seed); err != nil {
			return Roles{}, err
		}
		r.ChooseName = heldOutToChoose
	}
	switch {
	case r.Judge == nil && r.Choose != nil:
		if s.Val == nil {
			r.ChooseName = heldOutImages
		}
		r.Judge, r.JudgeName, r.Coincide = r.Choose, r.ChooseName, true
	case r.Judge == nil:
		r.JudgeName = ""
	}
	if r.Choose == nil {
		r.ChooseName = ""
	}
	return r, nil
}

// holdOut moves a fraction of the images to fit into another role.
func (r *Roles) holdOut(role *Dataset, fraction float64, seed uint64) error {
	var single []string
	for class, n := range ClassCounts(r.Fit) {
		if n == 1 {
			single = append(single, r.Fit.Classes()[class])
		}
	}
	fit, held, err := Split(r.Fit, fraction, seed)
	if err != nil {
		return err
	}
	if fit.Len() == 0 || held.Len() == 0 {
		return fmt.Errorf("%w: none of the %d training images can be held out, for no class has two: %s: add pictures, or hold nothing out", ErrTooFew, r.Fit.Len(), listNames(single))
	}
	r.Fit, *role = fit, held
	for _, s := range single {
		if !slices.Contains(r.Single, s) {
			r.Single = append(r.Single, s)
		}
	}
	return nil
}
