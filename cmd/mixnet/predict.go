package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mixnet-go/mixnet"
)

type predictCmd struct {
	Images []string `arg:"" name:"image" help:"Images (JPEG, PNG, WebP, BMP, GIF), folders of images, or - for standard input."`
	modelFlags
	TopK int  `short:"k" name:"topk" default:"5" placeholder:"N" help:"How many classes to name."`
	JSON bool `name:"json" help:"Print JSON."`
}

// prediction is the outcome for one image.
type prediction struct {
	Image       string              `json:"image"`
	Predictions []mixnet.Prediction `json:"predictions,omitempty"`
	Error       string              `json:"error,omitempty"`
}

func (c *predictCmd) Run(e *env) error {
	if c.TopK < 1 {
		return usagef("--topk %d: name at least one class", c.TopK)
	}
	files, err := imageFiles(c.Images)
	if err != nil {
		return err
	}
	m, err := c.open(e)
	if err != nil {
		return err
	}
	defer m.Close()
	bar := e.newProgress("predicting", "images", int64(len(files)))
	results := make([]prediction, 0, len(files))
	failed := 0
	for i, file := range files {
		r := prediction{Image: file}
		r.Predictions, err = c.one(e, m, file)
		if errors.Is(err, e.ctx.Err()) && e.ctx.Err() != nil {
			bar.done()
			return err
		}
		if err != nil {
			r.Error = err.Error()
			failed++
		}
		results = append(results, r)
		bar.update(int64(i+1), file)
	}
	bar.done()
	if c.JSON {
		err = e.json(results)
	} else {
		err = e.predictions(results)
	}
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d of %d images could not be read", failed, len(files))
	}
	return err
}

func (c *predictCmd) one(e *env, m *mixnet.Classifier, file string) ([]mixnet.Prediction, error) {
	content, err := readImage(e, file)
	if err != nil {
		return nil, err
	}
	return m.ClassifyBytes(e.ctx, content, c.TopK)
}

// predictions prints a table, or for a program that reads it, one line a class
// with tabs between image, rank, probability and name.
func (e *env) predictions(results []prediction) error {
	if _, ok := terminal(e.stdout); !ok {
		for _, r := range results {
			if r.Error != "" {
				e.note("%s: %s\n", r.Image, r.Error)
			}
			for i, p := range r.Predictions {
				e.printf("%s\t%d\t%.4f\t%s\n", styled(field(r.Image)), i+1, p.Probability, styled(field(p.Label)))
			}
		}
		return nil
	}
	for _, r := range results {
		e.printf("%s\n", oneLine(r.Image))
		if r.Error != "" {
			e.printf("  %s\n", r.Error)
			continue
		}
		for _, p := range r.Predictions {
			const cells = 24
			full := int(p.Probability*cells + 0.5)
			e.printf("  %5.1f %%  %s%s  %s\n", 100*p.Probability, strings.Repeat("█", full), strings.Repeat("·", cells-full), p.Label)
		}
	}
	return nil
}
