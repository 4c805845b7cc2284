package serve

import (
	"net/http"

	"github.com/mixnet-go/mixnet"
)

// Detection is the answer of POST /v1/detect. Its boxes are places in the
// stored picture, which Orientation says how to turn.
type Detection struct {
	Model   string `json:"model"`
	Version string `json:"version"`
	*mixnet.Found
	Picture PictureInfo `json:"picture"` // upright
	// Input is the picture as the network sees it, a PNG file in base64, if the
	// query has input=1.
	Input string `json:"input,omitempty"`
	// Seconds are the times of the stages: read, queue, prepare and network.
	Seconds map[string]float64 `json:"seconds"`
	ID      string             `json:"id"` // of the request, as in the log
}

// detect is what POST /v1/detect does.
var detect = task{
	keys: with(map[string]reader{
		"score": func(q *query, text string) (err error) { q.objects.Score, err = fraction(text); return err },
		"iou":   func(q *query, text string) (err error) { q.objects.IoU, err = fraction(text); return err },
		"max":   func(q *query, text string) (err error) { q.objects.Max, err = atLeast1(text, "objects"); return err },
		"class": func(q *query, text string) error { q.objects.Classes = append(q.objects.Classes, text); return nil },
	}),
	of: func(i *instance) error {
		if i.detector == nil {
			return failf(http.StatusBadRequest, "%s classifies and finds no objects: POST /v1/classify", i.name)
		}
		return nil
	},
	check:  func(i *instance, q *query) error { return i.detector.Check(q.objects) },
	answer: detection,
}

// detection is what a detector found, in words.
func detection(v *visit, q *query, k *work) (any, error) {
	a := &Detection{
		Model: k.on.name, Version: k.on.version, Found: k.found[0], ID: v.id,
		Picture: k.infos[0].about(), Seconds: v.times.stages(),
	}
	if q.input {
		a.Input = pngText(k.seen())
	}
	return a, nil
}
