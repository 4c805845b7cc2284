package serve

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image/png"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/vision"
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
	// Seconds are the times of the stages: read, prepare, queue and network.
	Seconds map[string]float64 `json:"seconds"`
	ID      string             `json:"id"` // of the request, as in the log
}

// PictureInfo is what the header of a picture says.
type PictureInfo struct {
	Format vision.Format `json:"format"`
	Width  int           `json:"width"`
	Height int           `json:"height"`
}

// question is the query of POST /v1/classify.
type question struct {
	model   string
	top     int
	input   bool
	timeout time.Duration
}

func parseQuestion(q url.Values) (question, error) {
	ask := question{model: q.Get("model"), top: 5}
	for key, values := range q {
		text := values[0]
		var err error
		switch key {
		case "model":
		case "top":
			if ask.top, err = strconv.Atoi(text); err != nil || ask.top < 1 {
				return ask, failf(http.StatusBadRequest, "top=%q: want a number of classes, at least 1", text)
			}
		case "input":
			if ask.input, err = strconv.ParseBool(text); err != nil {
				return ask, failf(http.StatusBadRequest, "input=%q: want 1 or 0", text)
			}
		case "timeout":
			if ask.timeout, err = time.ParseDuration(text); err != nil || ask.timeout <= 0 {
				return ask, failf(http.StatusBadRequest, "timeout=%q: want a time such as 500ms", text)
			}
		default:
			return ask, failf(http.StatusBadRequest, "%q is none of model, top, input and timeout", key)
		}
		if len(values) > 1 {
			return ask, failf(http.StatusBadRequest, "%s is given %d times", key, len(values))
		}
	}
	return ask, nil
}

// classify answers POST /v1/classify.
func (h *Handler) classify(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	ask, err := parseQuestion(r.URL.Query())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if ask.timeout > 0 {
		timed, cancel, _ := limited(r, ask.timeout) // is above 0
		defer cancel()
		r = timed
	}
	on, err := h.models.acquire(ask.model, "")
	if err != nil {
		h.fail(w, r, err)
		return
	}
	k := &work{on: on, n: 1}
	a, err := h.classified(w, r, k, ask)
	k.ended(r, start, err)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Server-Timing", serverTiming(visitOf(r).times))
	writeJSON(w, http.StatusOK, a)
}

// classified reads the picture and names what is in it.
func (h *Handler) classified(w http.ResponseWriter, r *http.Request, k *work, ask question) (*Classification, error) {
	u, err := h.readPicture(w, r)
	defer u.free()
	if err != nil {
		k.on.release()
		return nil, err
	}
	k.files = [][]byte{u.content}
	if err := h.do(r, k); err != nil {
		return nil, err
	}
	v := visitOf(r)
	info := k.infos[0]
	a := &Classification{
		Model: k.on.name, Version: k.on.version, ID: v.id,
		Picture: PictureInfo{info.Format, info.W, info.H},
		Seconds: map[string]float64{},
	}
	for i, name := range stageNames[:stageTotal] {
		a.Seconds[name] = v.times[i].Seconds()
	}
	p := softmax(k.logits)
	for _, class := range largest(k.logits, ask.top) {
		a.Predictions = append(a.Predictions, mixnet.Prediction{Class: class, Label: k.on.classifier.Header().Label(class), Probability: p[class]})
	}
	if ask.input {
		a.Input, err = pngText(k)
	}
	return a, err
}

// readPicture reads a body that is to be a picture file.
func (h *Handler) readPicture(w http.ResponseWriter, r *http.Request) (*upload, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && (strings.HasPrefix(kind, "multipart/") || kind == "application/json") {
		return &upload{handler: h}, failf(http.StatusUnsupportedMediaType, "%s: send the picture file itself, as curl --data-binary @photo.jpg does", kind)
	}
	u, err := h.read(w, r)
	if err == nil && len(u.content) == 0 {
		err = failf(http.StatusBadRequest, "the request is empty: send a picture file")
	}
	return u, err
}

// pngText returns the network's input.
func pngText(k *work) (string, error) {
	in := k.on.in
	var b bytes.Buffer
	err := png.Encode(&b, &vision.Image{W: in.Size[1], H: in.Size[0], C: in.Channels, Pix: k.pixels})
	return base64.StdEncoding.EncodeToString(b.Bytes()), err
}

// serverTiming returns the times as browsers show them.
func serverTiming(t times) string {
	var parts []string
	for i, name := range stageNames[:stageTotal] {
		parts = append(parts, fmt.Sprintf("%s;dur=%.3f", name, float64(t[i])/1e6))
	}
	return strings.Join(parts, ", ")
}
