package command

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/mixnet-go/mixnet/evaluate/coco"
)

// cocoSummary are COCO's twelve numbers. What is over nothing is absent.
type cocoSummary struct {
	AP       *float64 `json:"ap,omitempty"`
	AP50     *float64 `json:"ap50,omitempty"`
	AP75     *float64 `json:"ap75,omitempty"`
	APSmall  *float64 `json:"ap_small,omitempty"`
	APMedium *float64 `json:"ap_medium,omitempty"`
	APLarge  *float64 `json:"ap_large,omitempty"`
	AR1      *float64 `json:"ar1,omitempty"`
	AR10     *float64 `json:"ar10,omitempty"`
	AR100    *float64 `json:"ar100,omitempty"`
	ARSmall  *float64 `json:"ar_small,omitempty"`
	ARMedium *float64 `json:"ar_medium,omitempty"`
	ARLarge  *float64 `json:"ar_large,omitempty"`
}

// cocoReport is the outcome in JSON.
type cocoReport struct {
	cocoSummary
	APInterval   coco.Interval     `json:"ap_interval"`
	AP50Interval coco.Interval     `json:"ap50_interval"`
	Images       int               `json:"images"`
	Truths       int               `json:"objects"`
	Detections   int               `json:"detections"`
	Unknown      int               `json:"unknown"`
	Notes        []string          `json:"notes"`
	Drawn        []string          `json:"drawn,omitempty"` // the images with most mistakes
	Classes      []cocoClassReport `json:"classes,omitempty"`
	// Difference is by how much AP is above that of a second results file.
	Difference *cocoDifference `json:"difference,omitempty"`
}

// cocoDifference is a difference of two APs, from -1 to 1.
type cocoDifference struct {
	AP       float64       `json:"ap"`
	Interval coco.Interval `json:"ap_interval"`
}

// cocoClassReport is the outcome of a category.
type cocoClassReport struct {
	Class      string   `json:"class"`
	AP         *float64 `json:"ap,omitempty"`
	AP50       *float64 `json:"ap50,omitempty"`
	Truths     int      `json:"objects"`
	Detections int      `json:"detections"`
}

// cocoFigure returns a number, nil for one over nothing.
func cocoFigure(v float64) *float64 {
	if v < 0 {
		return nil
	}
	return &v
}

func cocoNumbers(s coco.Summary) cocoSummary {
	v := s.Values()
	var p [len(v)]*float64
	for i := range v {
		p[i] = cocoFigure(v[i])
	}
	return cocoSummary{p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10], p[11]}
}

// resamples is how many sets of images are drawn for the intervals: a thousand,
// or a hundred and more where there are so many detections that a thousand would
// take minutes.
func resamples(detections int) int {
	const most, least, work = 1000, 100, 20_000_000
	return min(most, max(least, work/max(detections, 1)))
}

// judgeResults judges a results file.
func (c *evalCmd) judgeResults(e *env) error {
	switch {
	case c.Results == "" || c.Annotations == "":
		return usagef("--results and --annotations go together: what was found, and what is there")
	case c.COCO != "":
		return usagef("--coco writes what a network finds: it does not go with --results")
	case c.Model != "" || c.Data != "" || len(c.Confusion) > 0 || len(c.Errors) > 0:
		return usagef("--results judges a file of detections: --model, --data, --confusion and --errors do not go with it")
	}
	set, err := readWith(c.Annotations, coco.ReadSet)
	if err != nil {
		return err
	}
	found, err := readWith(c.Results, coco.ReadResults)
	if err != nil {
		return err
	}
	r, err := set.Evaluate(e.ctx, found, coco.Options{Resamples: resamples(len(found)), Threads: e.cores()})
	if err != nil {
		return fmt.Errorf("%s, judged by %s: %w", c.Results, c.Annotations, err)
	}
	var difference *cocoDifference
	if c.Against != "" {
		if difference, err = c.difference(e, set, r); err != nil {
			return err
		}
	}
	drawn := []string{}
	if c.Draw != "" {
		w := worstDrawing{dir: c.Draw, most: c.Worst, score: c.Score, read: imageFinder(c.Annotations, c.Images)}
		if drawn, err = e.drawWorst(w, set, found); err != nil {
			return fmt.Errorf("--draw: %w", err)
		}
	}
	if c.JSON {
		report := c.cocoReport(set, found, r)
		report.Drawn, report.Difference = drawn, difference
		return e.json(report)
	}
	for _, note := range set.Notes {
		e.note("%s: %s\n", c.Annotations, note)
	}
	if r.Unknown > 0 {
		e.note("%s: %s of categories that the annotations do not have left out\n", c.Results, plural(r.Unknown, "detection"))
	}
	e.printf("%s", cocoText(r.Summary))
	if i := r.Intervals; r.AP >= 0 {
		e.printf("\n95 %% confidence, images drawn anew: AP %.3f to %.3f, AP50 %.3f to %.3f\n", i.AP.Low, i.AP.High, i.AP50.Low, i.AP50.High)
	}
	if d := difference; d != nil {
		e.printf("AP less that of %s: %+.3f (%+.3f to %+.3f)\n", c.Against, d.AP, d.Interval.Low, d.Interval.High)
	}
	if len(drawn) > 0 {
		e.printf("\n%s with most mistakes drawn in %s\n", plural(len(drawn), "image"), c.Draw)
	}
	if c.PerClass {
		e.printf("\n")
		return e.table(cocoClasses(r))
	}
	return nil
}

// difference compares a result with that of the second results file.
func (c *evalCmd) difference(e *env, set *coco.Set, r *coco.Result) (*cocoDifference, error) {
	found, err := readWith(c.Against, coco.ReadResults)
	if err != nil {
		return nil, err
	}
	other, err := set.Evaluate(e.ctx, found, coco.Options{Resamples: len(r.Resampled), Threads: e.cores()})
	if err != nil {
		return nil, fmt.Errorf("%s, judged by %s: %w", c.Against, c.Annotations, err)
	}
	if r.AP < 0 || other.AP < 0 {
		return nil, fmt.Errorf("%s has no objects to judge by", c.Annotations)
	}
	d := &cocoDifference{AP: r.AP - other.AP}
	d.Interval, err = coco.Difference(r, other, 0)
	return d, err
}

// readWith reads a file; errors name it.
func readWith[T any](path string, read func(io.Reader) (T, error)) (v T, err error) {
	f, err := os.Open(path)
	if err != nil {
		return v, err
	}
	defer f.Close()
	if v, err = read(f); err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return v, err
}

// cocoText writes the twelve numbers as pycocotools does.
func cocoText(s coco.Summary) string {
	text := ""
	for i, v := range s.Values() {
		name, short := "Average Precision", "(AP)"
		if i >= 6 {
			name, short = "Average Recall", "(AR)"
		}
		iou := "0.50:0.95"
		switch i {
		case 1:
			iou = "0.50"
		case 2:
			iou = "0.75"
		}
		area := []string{"all", "all", "all", "small", "medium", "large", "all", "all", "all", "small", "medium", "large"}[i]
		most := []int{100, 100, 100, 100, 100, 100, 1, 10, 100, 100, 100, 100}[i]
		text += fmt.Sprintf(" %-18s %s @[ IoU=%-9s | area=%6s | maxDets=%3d ] = %0.3f\n", name, short, iou, area, most, v)
	}
	return text
}

// cocoClasses is a table of the categories, the worst first.
func cocoClasses(r *coco.Result) [][]string {
	all := slices.Clone(r.Classes)
	slices.SortStableFunc(all, func(a, b coco.ClassResult) int {
		switch {
		case a.AP < b.AP:
			return -1
		case a.AP > b.AP:
			return 1
		}
		return 0
	})
	rows := [][]string{{"CLASS", "AP", "AP50", "OBJECTS", "DETECTIONS"}}
	for _, c := range all {
		ap, ap50 := "", ""
		if c.AP >= 0 {
			ap, ap50 = fmt.Sprintf("%.3f", c.AP), fmt.Sprintf("%.3f", c.AP50)
		}
		rows = append(rows, []string{c.Name, ap, ap50, strconv.Itoa(c.Truths), strconv.Itoa(c.Detections)})
	}
	return rows
}

func (c *evalCmd) cocoReport(set *coco.Set, found []coco.Detection, r *coco.Result) cocoReport {
	out := cocoReport{
		cocoSummary: cocoNumbers(r.Summary), APInterval: r.Intervals.AP, AP50Interval: r.Intervals.AP50,
		Images: len(set.Images), Truths: len(set.Truths), Detections: len(found), Unknown: r.Unknown, Notes: append([]string{}, set.Notes...),
	}
	if c.PerClass {
		for _, x := range r.Classes {
			out.Classes = append(out.Classes, cocoClassReport{x.Name, cocoFigure(x.AP), cocoFigure(x.AP50), x.Truths, x.Detections})
		}
	}
	return out
}
