package serve

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet/vision"
)

// task is what is done with a picture that is the body of a request.
type task struct {
	keys   map[string]reader             // of the query
	of     func(*instance) error         // whether it is what a model does
	check  func(*instance, *query) error // whether it can do what is asked
	answer func(*visit, *query, *work) (any, error)
}

// look answers a request whose body is a picture.
func (h *Handler) look(t task) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := parseQuery(r.URL.Query(), t.keys)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		a, err := h.looked(w, r, t, q)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		w.Header().Set("Server-Timing", serverTiming(visitOf(r).times))
		writeJSON(w, http.StatusOK, a)
	}
}

// looked reads the picture, runs a model on it and returns the answer.
func (h *Handler) looked(w http.ResponseWriter, r *http.Request, t task, q *query) (a any, err error) {
	start := time.Now()
	if q.timeout > 0 {
		timed, cancel, _ := limited(r, q.timeout) // is above 0
		defer cancel()
		r = timed
	}
	on, err := h.models.acquireFor(q.model, t.of)
	if err != nil {
		return nil, err
	}
	if err := t.check(on, q); err != nil {
		on.release()
		return nil, &statusError{http.StatusBadRequest, err}
	}
	k := &work{on: on, n: 1, objects: q.objects, maps: q.explain}
	defer func() { k.ended(r, start, err) }()
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
	return t.answer(visitOf(r), q, k)
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

// PictureInfo is what the header of a picture says.
type PictureInfo struct {
	Format vision.Format `json:"format"`
	Width  int           `json:"width"` // of the upright picture
	Height int           `json:"height"`
}

func (p prepared) about() PictureInfo { return PictureInfo{p.Format, p.W, p.H} }

// seen is a picture as the network sees it.
func (k *work) seen() *vision.Image {
	return &vision.Image{W: k.on.in.Size[1], H: k.on.in.Size[0], C: k.on.in.Channels, Pix: k.pixels}
}

// pngText returns an image as a PNG file in base64.
func pngText(img image.Image) string {
	var b bytes.Buffer
	_ = png.Encode(&b, img) // has a size, and a buffer takes everything
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// stages are the times of the stages in seconds, but for the total.
func (t times) stages() map[string]float64 {
	seconds := map[string]float64{}
	for i, name := range stageNames[:stageTotal] {
		seconds[name] = t[i].Seconds()
	}
	return seconds
}

// serverTiming returns the times as browsers show them.
func serverTiming(t times) string {
	var parts []string
	for i, name := range stageNames[:stageTotal] {
		parts = append(parts, fmt.Sprintf("%s;dur=%.3f", name, float64(t[i])/1e6))
	}
	return strings.Join(parts, ", ")
}
