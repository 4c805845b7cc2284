package serve

import (
	"fmt"
	"net/http"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/explain"
)

// Classification is the answer of POST /v1/classify.
type Classification struct {
	Model       string              `json:"model"`
	Version     string              `json:"version"`
	Predictions []mixnet.Prediction `json:"predictions"` // the most probable first
	Picture     PictureInfo         `json:"picture"`
	// Input is the picture as the network sees it, a PNG file in base64, if the
	// query has input=1.
	Input string `json:"input,omitempty"`
	// Map shows where the network saw the first class, in red, and what spoke
	// against it, in blue: a PNG file in base64, if the query has explain=1.
	Map string `json:"map,omitempty"`
	// Seconds are the times of the stages: read, queue, prepare and network.
	Seconds map[string]float64 `json:"seconds"`
	ID      string             `json:"id"` // of the request, as in the log
}

// classify is what POST /v1/classify does.
var classify = task{
	keys: with(map[string]reader{
		"top":     func(q *query, text string) (err error) { q.top, err = atLeast1(text, "classes"); return err },
		"explain": func(q *query, text string) (err error) { q.explain, err = yes(text); return err },
	}),
	of: func(i *instance) error {
		if i.detector != nil {
			return failf(http.StatusBadRequest, "%s finds objects and does not classify: POST /v1/detect", i.name)
		}
		return nil
	},
	check: func(i *instance, q *query) error {
		if why := i.classifier.Explains(); q.explain && why != nil {
			return fmt.Errorf("explain: %w", why)
		}
		return nil
	},
	answer: classification,
}

// classification is what a classifier said, in words.
func classification(v *visit, q *query, k *work) (any, error) {
	a := &Classification{Model: k.on.name, Version: k.on.version, ID: v.id, Picture: k.infos[0].about(), Seconds: v.times.stages()}
	p := softmax(k.logits)
	header := k.on.network.Header()
	for _, class := range largest(k.logits, q.top) {
		a.Predictions = append(a.Predictions, mixnet.Prediction{Class: class, Label: header.Label(class), Probability: p[class]})
	}
	if q.input {
		a.Input = pngText(k.seen())
	}
	if k.result != nil {
		m, err := k.result.Map(a.Predictions[0].Class)
		if err != nil {
			return nil, err
		}
		a.Map = pngText(explain.Overlay(k.seen(), m))
	}
	return a, nil
}
