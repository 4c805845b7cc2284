package command

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/report"
)

// writeObjectReport writes the report of a run that finds objects into its
// folder.
func writeObjectReport(e *env, dir string, m *model.Model, res *objectReport) error {
	of, err := imagesOfRun(e, dir)
	if err != nil {
		return err
	}
	s, err := tellRun(e, of, m, nil)
	if err != nil {
		return err
	}
	p := &report.Run{
		Name: filepath.Base(dir), Command: s.command,
		Summary:  fmt.Sprintf("%s on %s; nothing was held out to measure the result on.", m.Network, of.source),
		Settings: s.settings(), Data: s.objects(), Environment: s.environment(),
	}
	if res.AP != nil {
		p.Summary = fmt.Sprintf("%s on %s: average precision %s on %d %s images.", m.Network, of.source, inPercent(*res.AP), res.Images, of.part)
		p.Tables = []report.Table{res.numbers(), res.classTable()}
	}
	p.Result = append(res.facts(), s.result()...)
	if len(s.epochs) > 0 {
		loss, err := twoWidths(objectLossChart(p.Name, s.epochs), "Training loss, its parts, and learning rate over the epochs.")
		if err != nil {
			return err
		}
		precision, err := twoWidths(precisionChart(p.Name, s.epochs), "Average precision on the images measured after every epoch.")
		if err != nil {
			return err
		}
		p.Curves = []report.Figure{loss, precision}
	}
	return atomicfile.Write(filepath.Join(dir, reportFile), p.WriteHTML)
}

// objects judges a run that finds objects again and writes its report.
func (c *reportCmd) objects(e *env, of *runImages, m *model.Model) error {
	res := objectReport{}
	if of.judge != nil {
		set, err := matchObjects(of.judge, m)
		if err != nil {
			return err
		}
		j, err := judgeObjects(e, m, set, of.maxBad, of.seed, e.running())
		if err != nil {
			return err
		}
		res = j.report()
	}
	res.Run, res.Model, res.Network, res.Data, res.Split = of.dir, runCheckpoint(of.dir), m.Network, of.source, of.part
	if err := writeObjectReport(e, of.dir, m, &res); err != nil {
		return err
	}
	path := filepath.Join(of.dir, reportFile)
	if c.JSON {
		return e.json(struct {
			objectReport
			Report string `json:"report"`
		}{res, path})
	}
	e.printf("%s\n", path)
	return nil
}

// facts are the result in the words of a report.
func (r *objectReport) facts() []report.Fact {
	if r.AP == nil {
		return nil
	}
	return []report.Fact{
		{Name: "average precision", Value: fmt.Sprintf("%s (%s to %s with 95 %% confidence)", inPercent(*r.AP), inPercent(r.APInterval.Low), inPercent(r.APInterval.High))},
		{Name: "AP50", Value: fmt.Sprintf("%s (%s to %s)", inPercent(*r.AP50), inPercent(r.AP50Interval.Low), inPercent(r.AP50Interval.High))},
		{Name: "judged on", Value: fmt.Sprintf("%s with %s", plural(r.Images, "image"), plural(r.Truths, "object"))},
	}
}

// objects is what is known of the data of a run that finds objects.
func (s *runStory) objects() []report.Fact {
	facts := []report.Fact{{Name: "source", Value: s.images.source}, {Name: "layout", Value: s.images.splits.Kind}}
	if d, ok := s.images.fit.(boxes.Labelled); ok {
		total := 0
		for _, n := range boxes.Counts(d) {
			total += n
		}
		facts = append(facts, report.Fact{Name: "trained on", Value: fmt.Sprintf("%s, %s", plural(d.Len(), "image"), plural(total, "object"))})
	}
	facts = append(facts, report.Fact{Name: "classes", Value: strconv.Itoa(len(s.labels))})
	for _, n := range s.images.splits.Notes {
		facts = append(facts, report.Fact{Name: "note", Value: n})
	}
	return facts
}

// numbers is COCO's twelve numbers as a table.
func (r *objectReport) numbers() report.Table {
	t := report.Table{Caption: "COCO's twelve numbers", Header: []string{"number", "value"}}
	figures := []*float64{r.AP, r.AP50, r.AP75, r.APSmall, r.APMedium, r.APLarge, r.AR1, r.AR10, r.AR100, r.ARSmall, r.ARMedium, r.ARLarge}
	for i, name := range []string{
		"AP, IoU 0.5 to 0.95", "AP50, IoU 0.5", "AP75, IoU 0.75", "AP of small objects, below 32² pixels", "AP of medium ones", "AP of large ones, from 96² pixels",
		"recall with one detection an image", "with 10", "with 100", "of small objects", "of medium ones", "of large ones",
	} {
		value := "none to be found"
		if figures[i] != nil {
			value = inPercent(*figures[i])
		}
		if i == 0 && figures[i] != nil {
			value += fmt.Sprintf(" (%s to %s with 95 %% confidence)", inPercent(r.APInterval.Low), inPercent(r.APInterval.High))
		}
		t.Rows = append(t.Rows, []string{name, value})
	}
	return t
}

// classTable is the classes as a table.
func (r *objectReport) classTable() report.Table {
	t := report.Table{Caption: "Classes", Header: []string{"class", "AP", "AP50", "objects", "detections"}}
	for _, c := range r.Classes {
		ap, ap50 := "", ""
		if c.AP != nil {
			ap, ap50 = inPercent(*c.AP), inPercent(*c.AP50)
		}
		t.Rows = append(t.Rows, []string{c.Class, ap, ap50, strconv.Itoa(c.Truths), strconv.Itoa(c.Detections)})
	}
	return t
}
