package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"image"
	"image/png"
	"math"
	"slices"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/explain"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/vision"
	"github.com/mixnet-go/mixnet/weights"
)

// maxPixels bounds a picture: a browser gives a program 4 GiB at most.
const maxPixels = 50_000_000

// looker runs a network on pictures.
type looker struct {
	network   mixnet.Network
	processor *vision.Processor
}

// open makes a looker of a weight file that says what is in it.
func open(file []byte) (*looker, error) {
	f, err := weights.NewFile(bytes.NewReader(file), int64(len(file)), "the model")
	if err != nil {
		return nil, err
	}
	m, err := model.FromFile(f, model.Options{})
	if err != nil {
		return nil, err
	}
	n, err := mixnet.NewNetwork(m, mixnet.Options{Threads: 1, MaxConcurrent: 1, Maps: true})
	if err != nil {
		return nil, err
	}
	p, err := vision.NewProcessor(m.Preprocess())
	if err != nil {
		return nil, err
	}
	p.Decoder.MaxPixels = maxPixels
	return &looker{n, p}, nil
}

// answer is what a server's POST /v1/classify or /v1/detect would say, and the
// logits.
type answer struct {
	Predictions []mixnet.Prediction `json:"predictions,omitempty"`
	Logits      []float32           `json:"logits,omitempty"`
	*mixnet.Found
	Picture picture            `json:"picture"`
	Input   string             `json:"input"`
	Map     string             `json:"map,omitempty"`
	Seconds map[string]float64 `json:"seconds"`
}

type picture struct {
	Format vision.Format `json:"format"`
	Width  int           `json:"width"`
	Height int           `json:"height"`
}

// look runs the network on a picture file.
func (l *looker) look(file []byte, score float64) (*answer, error) {
	if l == nil {
		return nil, errors.New("no model is open")
	}
	start := time.Now()
	info, err := l.processor.Decoder.Inspect(file)
	if err != nil {
		return nil, err
	}
	var seen vision.Image
	from, err := l.processor.Fit(&seen, vision.Picture{File: file})
	if err != nil {
		return nil, err
	}
	prepared := time.Now()
	a := &answer{Picture: picture{info.Format, info.W, info.H}, Input: pngText(&seen)}
	switch n := l.network.(type) {
	case *mixnet.Detector:
		a.Found, err = n.DetectPixels(context.Background(), seen.Pix, from, info.Orientation, mixnet.DetectOptions{Score: score})
	case *mixnet.Classifier:
		err = a.classify(n, &seen)
	}
	a.Seconds = map[string]float64{"prepare": prepared.Sub(start).Seconds(), "network": time.Since(prepared).Seconds()}
	return a, err
}

// classify fills in what a classifier says of its input.
func (a *answer) classify(c *mixnet.Classifier, seen *vision.Image) error {
	ctx := context.Background()
	var r *explain.Result
	var err error
	if c.Explains() == nil {
		if r, err = c.ExplainPixels(ctx, seen.Pix); err == nil {
			a.Logits = r.Logits
		}
	} else {
		a.Logits = make([]float32, c.Program().Graph().Classes())
		err = c.LogitsPixels(ctx, a.Logits, seen.Pix, 1)
	}
	if err != nil {
		return err
	}
	a.predict(c.Header())
	if r != nil {
		m, err := r.Map(a.Predictions[0].Class)
		if err != nil {
			return err
		}
		a.Map = pngText(explain.Overlay(seen, m))
	}
	return nil
}

// predict names the most probable classes.
func (a *answer) predict(h model.Header) {
	largest, sum := float64(slices.Max(a.Logits)), 0.0
	for class, v := range a.Logits {
		p := math.Exp(float64(v) - largest)
		sum += p
		a.Predictions = append(a.Predictions, mixnet.Prediction{Class: class, Label: h.Label(class), Probability: p})
	}
	slices.SortStableFunc(a.Predictions, func(x, y mixnet.Prediction) int { return cmp.Compare(y.Probability, x.Probability) })
	a.Predictions = a.Predictions[:min(5, len(a.Predictions))]
	for i := range a.Predictions {
		a.Predictions[i].Probability /= sum
	}
}

// pngText returns an image as a PNG file in base64.
func pngText(img image.Image) string {
	var b bytes.Buffer
	_ = png.Encode(&b, img) // has a size, and a buffer takes everything
	return base64.StdEncoding.EncodeToString(b.Bytes())
}
