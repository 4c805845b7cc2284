package command

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/internal/parts"
)

type mergeCmd struct {
	Parts    []string `arg:"" name:"part" help:"The folders or files that predict, detect or eval --shard has written."`
	Output   string   `short:"o" placeholder:"FILE" help:"Write the records of predict and detect here. Default: standard output."`
	COCO     string   `name:"coco" placeholder:"FILE" help:"Of detect: write a COCO results file (.json) instead."`
	PerClass bool     `help:"Of eval: show the accuracy of every class."`
	JSON     bool     `name:"json" help:"Of eval: print JSON."`
}

// Help says what is exact.
func (c *mergeCmd) Help() string {
	return `What is joined is what one run gives, to the byte; of evaluations, all but the time. Parts that are missing, come twice or are of another job
(other weights, options or images) are errors that name them.`
}

func (c *mergeCmd) Run(e *env) error {
	files, err := parts.Find(c.Parts...)
	if err != nil {
		return err
	}
	switch kind := files[0].Job[jobCommand]; {
	case kind == jobEval && (c.Output != "" || c.COCO != ""):
		return usagef("these are parts of an evaluation: --output and --coco are for records of images")
	case kind == jobEval:
		return c.evaluations(e, files)
	case c.PerClass || c.JSON:
		return usagef("these are parts of %s: --per-class and --json are for evaluations; records are JSON lines", kind)
	case kind == jobDetect && c.COCO != "" && c.Output != "":
		return usagef("--coco and --output: one at a time")
	case kind == jobDetect && c.COCO != "":
		return c.coco(files)
	case c.COCO != "":
		return usagef("these are parts of %s: --coco is for those of detect", kind)
	}
	return c.records(e, files)
}

// The commands that a part may be of, and the word that says which.
const (
	jobCommand = "command"
	jobPredict = "predict"
	jobDetect  = "detect"
	jobEval    = "eval"
)

// records joins records line by line, once all are known to be there.
func (c *mergeCmd) records(e *env, files []*parts.File) error {
	failed, all := 0, 0
	for _, f := range files {
		for line, err := range f.Records() {
			if err != nil {
				return err
			}
			var r struct{ Error string }
			if err := json.Unmarshal(line, &r); err != nil {
				return fmt.Errorf("%s: %w", f.Path, err)
			}
			if all++; r.Error != "" {
				failed++
			}
		}
	}
	write := func(w io.Writer) error {
		for _, f := range files {
			for line, err := range f.Records() {
				if err == nil {
					_, err = w.Write(line)
				}
				if err != nil {
					return err
				}
			}
		}
		return e.ctx.Err()
	}
	var err error
	if c.Output != "" {
		err = atomicfile.Write(c.Output, write)
	} else {
		err = write(e.stdout)
	}
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d of %d images could not be read; their records say why", failed, all)
	}
	return err
}

// gather decodes the records of parts.
func gather[T any](files []*parts.File) ([]T, error) {
	var all []T
	for _, f := range files {
		for line, err := range f.Records() {
			if err != nil {
				return nil, err
			}
			var r T
			if err := json.Unmarshal(line, &r); err != nil {
				return nil, fmt.Errorf("%s: %w", f.Path, err)
			}
			all = append(all, r)
		}
	}
	return all, nil
}

func (c *mergeCmd) coco(files []*parts.File) error {
	all, err := gather[detection](files)
	if err != nil {
		return err
	}
	return writeCOCO(c.COCO, all)
}

// evalPart is what an evaluation of a part of the images gives.
type evalPart struct {
	Report    evaluate.Report    `json:"report"` // where it comes from, without figures
	Outcomes  *evaluate.Outcomes `json:"outcomes"`
	Labels    []string           `json:"labels"` // of the classes
	TrainedOn int                `json:"trained_on"`
}

// evaluations joins evaluations of parts of the images.
func (c *mergeCmd) evaluations(e *env, files []*parts.File) error {
	all, err := gather[evalPart](files)
	if err != nil {
		return err
	}
	if len(all) != len(files) {
		return fmt.Errorf("%w: %d evaluations in %d parts", parts.ErrParts, len(all), len(files))
	}
	first := &all[0]
	whole := &evaluate.Outcomes{Classes: first.Outcomes.Classes}
	out := evalReport{}
	for i := range all {
		p := &all[i]
		if err := whole.Append(p.Outcomes); err != nil {
			return fmt.Errorf("%s: %w", files[i].Path, err)
		}
		out.Seconds += p.Report.Seconds
		out.Skipped = append(out.Skipped, p.Report.Skipped...)
		out.TrainedOn += p.TrainedOn
	}
	seconds, skipped := out.Seconds, out.Skipped
	out.Report = whole.Report(first.Labels, 0)
	out.Seconds, out.Skipped = seconds, skipped
	out.ImagesPerSecond = float64(out.Images) / max(seconds, 1e-9)
	out.from(&first.Report)
	out.Confused = confused(whole, first.Labels)
	return (&evalCmd{PerClass: c.PerClass, JSON: c.JSON}).print(e, &out)
}
