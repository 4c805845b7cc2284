package evaluate

import "fmt"

// Report is a result as machines read it: of training, fine-tuning or
// evaluation. All accuracies are fractions, from 0 to 1, and none is left out
// for being 0.
type Report struct {
	// Run is the run folder; "" for an evaluation alone.
	Run string `json:"run,omitempty"`
	// Model is the file with the weights, or their name.
	Model string `json:"model"`
	// Network is the network's name.
	Network string `json:"network,omitempty"`
	// Data is where the images come from, and Split which of them were judged.
	Data  string `json:"data"`
	Split string `json:"split"`
	// Images is how many were judged.
	Images int `json:"images"`
	// Top1 and Top5 are the parts of the images whose class was the first
	// choice, and among the first five; MeanClass is the mean of Top1 over the
	// classes.
	Top1      float64 `json:"top1"`
	Top5      float64 `json:"top5"`
	MeanClass float64 `json:"mean_class"`
	// The bounds hold the values with 95 % confidence, see Outcomes.Score.
	Top1Interval      [2]float64 `json:"top1_interval"`
	Top5Interval      [2]float64 `json:"top5_interval"`
	MeanClassInterval [2]float64 `json:"mean_class_interval"`
	// Seconds is the time taken, and ImagesPerSecond the rate of the judging;
	// 0 if that was not measured.
	Seconds         float64 `json:"seconds"`
	ImagesPerSecond float64 `json:"images_per_s,omitempty"`
	// Skipped are the images that could not be read.
	Skipped []string `json:"skipped,omitempty"`
	// Classes are the results of the classes that have images.
	Classes []ClassReport `json:"classes,omitempty"`
}

// ClassReport is the result of one class.
type ClassReport struct {
	Class   string  `json:"class"`
	Images  int64   `json:"images"`
	Correct int64   `json:"correct"`
	Top1    float64 `json:"top1"`
}

// Report returns what o says of a network, with the bounds of a bootstrap of
// the seed. Names are those of the classes; nil leaves the single classes out,
// and so do outcomes without predictions.
func (o *Outcomes) Report(names []string, seed uint64) Report {
	s := o.Score(seed)
	bounds := func(i Interval) [2]float64 { return [2]float64{i.Low, i.High} }
	r := Report{
		Images: s.Images, Top1: s.Top1.Value, Top5: s.Top5.Value, MeanClass: s.MeanClass.Value,
		Top1Interval: bounds(s.Top1), Top5Interval: bounds(s.Top5), MeanClassInterval: bounds(s.MeanClass),
	}
	if o.Predicted == nil {
		return r
	}
	c := o.Confusion()
	for i, name := range names[:min(len(names), c.Classes)] {
		if images, correct := c.Class(i); images > 0 {
			r.Classes = append(r.Classes, ClassReport{name, images, correct, ratio(correct, images)})
		}
	}
	return r
}

// Report is that of the outcomes, with what the evaluation says besides.
func (r *Result) Report(names []string, seed uint64) Report {
	out := r.Outcomes.Report(names, seed)
	out.Seconds, out.ImagesPerSecond = r.Seconds, r.ImagesPerSecond()
	out.Skipped = r.Skipped()
	return out
}

// Skipped names the examples that could not be read, and says why.
func (r *Result) Skipped() []string {
	var all []string
	for _, b := range r.Bad {
		all = append(all, fmt.Sprintf("%s: %v", b.Name, b.Err))
	}
	return all
}
