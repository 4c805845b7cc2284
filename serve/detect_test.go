package serve_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"image/png"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/explain"
	"github.com/mixnet-go/mixnet/pretrained"
	"github.com/mixnet-go/mixnet/pretrained/person"
	"github.com/mixnet-go/mixnet/serve"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/vision"
)

func detector() (*mixnet.Detector, error) {
	m, err := person.Model()
	if err != nil {
		return nil, err
	}
	return mixnet.NewDetector(m, mixnet.Options{Threads: 1})
}

// both serves a classifier and a detector.
func both(t *testing.T) string {
	_, url := start(t, serve.Options{Repository: serve.List{
		{Name: "fashion", Open: openFashion},
		{Name: "person", Open: func(context.Context) (mixnet.Network, error) { return detector() }},
	}})
	return url
}

// parrot is a photo of a bird, in which a detector of people finds little.
func parrot(t *testing.T) []byte {
	t.Helper()
	file, err := os.ReadFile("../pretrained/photo/testdata/parrot.jpg")
	if err != nil {
		t.Fatal(err)
	}
	return file
}

const unsure = 0.01 // a least score with which something is found in it

// TestDetect compares the answer with the library's own.
func TestDetect(t *testing.T) {
	url := both(t)
	d, err := detector()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	want, err := d.DetectBytes(t.Context(), parrot(t), mixnet.DetectOptions{Score: unsure, Max: 7})
	if err != nil {
		t.Fatal(err)
	}
	status, _, text := ask(t, "POST", url+"/v1/detect?score=0.01&max=7&class=person&input=1", bytes.NewReader(parrot(t)))
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
	got := decode[serve.Detection](t, text)
	if len(want.Objects) == 0 || !slices.Equal(got.Objects, want.Objects) || got.Width != want.Width || got.Height != want.Height || got.Orientation != want.Orientation || got.Model != "person" || got.Input == "" {
		t.Errorf("%+v, want %+v", got, want)
	}
	for path, says := range map[string]string{
		"/v1/detect?model=fashion":  "/v1/classify",
		"/v1/classify?model=person": "/v1/detect",
		"/v1/detect?class=horse":    "horse",
		"/v1/detect?score=2":        "between 0 and 1",
		"/v1/detect?top=3":          "none of class",
	} {
		if status, _, text := ask(t, "POST", url+path, bytes.NewReader(parrot(t))); status != http.StatusBadRequest || !strings.Contains(string(text), says) {
			t.Errorf("%s: status %d: %s", path, status, text)
		}
	}
	if status, _, text := ask(t, "POST", url+"/v1/detect?model=nobody", bytes.NewReader(parrot(t))); status != http.StatusNotFound {
		t.Errorf("status %d: %s", status, text)
	}
}

// TestDetectInfer asks by the protocol, with pictures and with their values.
func TestDetectInfer(t *testing.T) {
	url := both(t)
	d, err := detector()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	want, err := d.DetectBytes(t.Context(), parrot(t), mixnet.DetectOptions{Score: unsure, Max: 5})
	if err != nil {
		t.Fatal(err)
	}
	file := base64.StdEncoding.EncodeToString(parrot(t))
	_, _, text := ask(t, "POST", url+"/v2/models/person/infer", strings.NewReader(`{"parameters":{"score":0.01,"max":5},"inputs":[{"name":"image","shape":[2],"datatype":"BYTES","data":["`+file+`","`+file+`"]}]}`))
	compareObjects(t, want, 2, decode[inference](t, text))

	p, err := vision.NewProcessor(d.Header().Preprocess())
	if err != nil {
		t.Fatal(err)
	}
	var img vision.Image
	if _, err := p.Fit(&img, vision.Picture{File: parrot(t)}); err != nil {
		t.Fatal(err)
	}
	in := d.Header().Preprocess()
	values := make([]float32, len(img.Pix))
	for i, v := range img.Pix {
		c, at := i%3, i/3
		values[c*len(values)/3+at] = (float32(v)/255 - float32(in.Mean[c])) / float32(in.Std[c])
	}
	numbers, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	// The boxes are places in the input then, and the picture was stretched to that.
	scaled := *want
	scaled.Objects = slices.Clone(want.Objects)
	for i := range scaled.Objects {
		o := &scaled.Objects[i]
		sx, sy := float64(in.Size[1])/float64(want.Width), float64(in.Size[0])/float64(want.Height)
		o.X1, o.Y1, o.X2, o.Y2 = o.X1*sx, o.Y1*sy, o.X2*sx, o.Y2*sy
	}
	_, _, text = ask(t, "POST", url+"/v2/models/person/infer", strings.NewReader(`{"parameters":{"score":0.01,"max":5},"inputs":[{"name":"input","shape":[1,3,300,300],"datatype":"FP32","data":`+string(numbers)+`}]}`))
	compareObjects(t, &scaled, 1, decode[inference](t, text))

	for body, says := range map[string]string{
		`{"parameters":{"max":5000},"inputs":[]}`: "max",
		`{"parameters":{"iou":7},"inputs":[]}`:    "IoU",
		`{"outputs":[{"name":"logits"}],"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["` + file + `"]}]}`: "boxes",
	} {
		if status, _, text := ask(t, "POST", url+"/v2/models/person/infer", strings.NewReader(body)); status != http.StatusBadRequest || !strings.Contains(string(text), says) {
			t.Errorf("%.60s: status %d: %s", body, status, text)
		}
	}
}

// compareObjects finds what is in each of n pictures among the outputs.
func compareObjects(t *testing.T, want *mixnet.Found, n int, got inference) {
	t.Helper()
	const most = 5
	shapes := map[string][]int{"boxes": {n, most, 4}, "scores": {n, most}, "classes": {n, most}, "count": {n, 1}}
	values := map[string][]float64{}
	for _, o := range got.Outputs {
		values[o.Name] = decode[[]float64](t, o.Data)
		if !slices.Equal(o.Shape, shapes[o.Name]) || (o.Datatype == "INT64") != (o.Name == "classes" || o.Name == "count") {
			t.Errorf("%s: %s %v", o.Name, o.Datatype, o.Shape)
		}
	}
	if len(values) != len(shapes) || len(want.Objects) == 0 {
		t.Fatalf("outputs %v, %d objects", values, len(want.Objects))
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-3*(1+math.Abs(b)) }
	for i := range n {
		if values["count"][i] != float64(len(want.Objects)) {
			t.Errorf("picture %d: %v objects, want %d", i, values["count"][i], len(want.Objects))
		}
		for j, o := range want.Objects {
			at := i*most + j
			box := values["boxes"][4*at:]
			if !near(box[0], o.X1) || !near(box[1], o.Y1) || !near(box[2], o.X2) || !near(box[3], o.Y2) || !near(values["scores"][at], o.Score) || values["classes"][at] != float64(o.Class) {
				t.Errorf("picture %d: box %v, score %v, want %+v", i, box[:4], values["scores"][at], o)
			}
		}
	}
}

// TestMap asks where the network looks, and gets what package explain draws.
func TestMap(t *testing.T) {
	url := both(t)
	file := picture(t, 60, 60)
	_, _, text := ask(t, "POST", url+"/v1/classify?explain=1&input=1", bytes.NewReader(file))
	a := decode[serve.Classification](t, text)
	m, err := pretrained.Fashion()
	if err != nil {
		t.Fatal(err)
	}
	c, err := classifier(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	found, err := c.ClassifyBytes(t.Context(), file, 1)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(found[0].Probability-a.Predictions[0].Probability) > 1e-6 {
		t.Errorf("%+v, want %+v", a.Predictions[0], found[0])
	}
	p, err := vision.NewProcessor(m.Preprocess())
	if err != nil {
		t.Fatal(err)
	}
	seen := vision.Image{}
	if _, err := p.Fit(&seen, vision.Picture{File: file}); err != nil {
		t.Fatal(err)
	}
	x, err := explain.New(m, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	in := m.Preprocess()
	input := tensor.New[float32](tensor.Shape{N: 1, H: in.Size[0], W: in.Size[1], C: in.Channels})
	if err := p.Normalize(input.Data, &seen); err != nil {
		t.Fatal(err)
	}
	r, err := x.Run(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := r.Map(found[0].Class)
	if err != nil {
		t.Fatal(err)
	}
	want := explain.Overlay(&seen, drawn)
	content, err := base64.StdEncoding.DecodeString(a.Map)
	if err != nil {
		t.Fatal(err)
	}
	got, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if got.Bounds() != want.Bounds() {
		t.Fatalf("%v, want %v", got.Bounds(), want.Bounds())
	}
	for y := range want.Rect.Dy() {
		for x := range want.Rect.Dx() {
			r, g, b, _ := got.At(x, y).RGBA()
			w := want.RGBAAt(x, y)
			for i, d := range []int{int(r>>8) - int(w.R), int(g>>8) - int(w.G), int(b>>8) - int(w.B)} {
				if d < -1 || d > 1 {
					t.Fatalf("pixel %d,%d, color %d differs by %d", x, y, i, d)
				}
			}
		}
	}
}

// TestMirror serves a classifier that judges mirror images too.
func TestMirror(t *testing.T) {
	mirrored := func(ctx context.Context) (*mixnet.Classifier, error) {
		return mixnet.Open(ctx, "fashion", mixnet.OpenOptions{Options: mixnet.Options{Threads: 1, Mirror: true, Maps: true}})
	}
	_, url := start(t, serve.Options{Repository: serve.List{{Name: "fashion", Open: func(ctx context.Context) (mixnet.Network, error) { return mirrored(ctx) }}}})
	c, err := mirrored(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	file := picture(t, 61, 47)
	want, err := c.ClassifyBytes(t.Context(), file, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"?top=10", "?top=10&explain=1"} {
		_, _, text := ask(t, "POST", url+"/v1/classify"+query, bytes.NewReader(file))
		for i, p := range decode[serve.Classification](t, text).Predictions {
			if math.Abs(p.Probability-want[i].Probability) > 1e-5 {
				t.Errorf("%s: %+v, want %+v", query, p, want[i])
			}
		}
	}
}

// TestModels lists what there is to choose.
func TestModels(t *testing.T) {
	_, _, text := ask(t, "GET", both(t)+"/v1/models", nil)
	want := `{"models":[{"name":"fashion","version":"1","task":"classify","classes":10,"maps":true,"weights":false},{"name":"person","version":"1","task":"detect","classes":1,"maps":false,"weights":false}]}`
	if string(bytes.TrimSpace(text)) != want {
		t.Errorf("%s", text)
	}
}
