package serve_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/serve"
)

type inference struct {
	Model   string `json:"model_name"`
	Version string `json:"model_version"`
	ID      string `json:"id"`
	Outputs []struct {
		Name       string `json:"name"`
		Datatype   string `json:"datatype"`
		Shape      []int  `json:"shape"`
		Parameters struct {
			Size int `json:"binary_data_size"`
		} `json:"parameters"`
		Data json.RawMessage `json:"data"`
	} `json:"outputs"`
}

// TestInferForms asks for the logits of one input in every form that the
// protocol has, and finds the same numbers.
func TestInferForms(t *testing.T) {
	_, url := start(t, serve.Options{})
	url += "/v2/models/fashion/infer"
	values := make([]float32, 28*28)
	for i := range values {
		values[i] = float32(i%28)/14 - 1
	}
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	numbers, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	const tensor = `{"name":"input","shape":[1,1,28,28],"datatype":"FP32"`
	plain := `{"id":"seven","unknown":[{"a":"]}\""}],"inputs":[` + tensor + `,"data":` + string(numbers) + `}]}`
	status, _, text := ask(t, "POST", url, strings.NewReader(plain))
	want := decode[inference](t, text)
	if status != 200 || want.Model != "fashion" || want.Version != "1" || want.ID != "seven" || len(want.Outputs) != 1 || want.Outputs[0].Name != "logits" || !slices.Equal(want.Outputs[0].Shape, []int{1, 10}) {
		t.Fatalf("status %d: %s", status, text)
	}
	logits := decode[[]float32](t, want.Outputs[0].Data)
	var rawLogits []byte
	for _, v := range logits {
		rawLogits = binary.LittleEndian.AppendUint32(rawLogits, math.Float32bits(v))
	}

	nested := strings.NewReader(`{"inputs":[` + tensor + `,"data":[[[` + string(numbers) + `]]]}]}`)
	if _, _, text := ask(t, "POST", url, nested); !slices.Equal(decode[[]float32](t, decode[inference](t, text).Outputs[0].Data), logits) {
		t.Errorf("nested: %s", text)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprint(z, plain)
	z.Close()
	if _, _, text := ask(t, "POST", url, &packed, "Content-Encoding", "gzip"); !slices.Equal(decode[[]float32](t, decode[inference](t, text).Outputs[0].Data), logits) {
		t.Errorf("gzip: %s", text)
	}

	head := `{"parameters":{"binary_data_output":true},"inputs":[` + tensor + `,"parameters":{"binary_data_size":3136}}]}`
	for name, c := range map[string]struct{ head, length string }{
		"binary": {head, fmt.Sprint(len(head))}, "raw": {"", "0"},
	} {
		status, header, text := ask(t, "POST", url, strings.NewReader(c.head+string(raw)), "Inference-Header-Content-Length", c.length)
		var n int
		if fmt.Sscan(header.Get("Inference-Header-Content-Length"), &n); status != 200 || !bytes.Equal(text[n:], rawLogits) {
			t.Errorf("%s: status %d, %v: %s", name, status, header, text)
		}
	}
}

// TestInferPictures sends picture files, and asks for names and probabilities.
func TestInferPictures(t *testing.T) {
	_, url := start(t, serve.Options{})
	file := picture(t, 60, 60)
	_, _, text := ask(t, "POST", url+"/v1/classify?top=2", bytes.NewReader(file))
	want := decode[serve.Classification](t, text).Predictions
	body := fmt.Sprintf(`{"inputs":[{"name":"image","shape":[2],"datatype":"BYTES","data":[%q,%[1]q]}],"outputs":[{"name":"logits","parameters":{"classification":2}},{"name":"probabilities"}]}`, base64.StdEncoding.EncodeToString(file))
	status, _, text := ask(t, "POST", url+"/v2/models/fashion/versions/1/infer", strings.NewReader(body))
	if status != 200 {
		t.Fatalf("status %d: %s", status, text)
	}
	a := decode[inference](t, text)
	names := decode[[]string](t, a.Outputs[0].Data)
	if a.Outputs[0].Datatype != "BYTES" || !slices.Equal(a.Outputs[0].Shape, []int{2, 2}) || len(names) != 4 {
		t.Fatalf("%s", text)
	}
	for i, name := range names {
		if parts := strings.SplitN(name, ":", 3); parts[1] != fmt.Sprint(want[i%2].Class) || parts[2] != want[i%2].Label {
			t.Errorf("class %d: %s, want %+v", i, name, want[i%2])
		}
	}
	p := decode[[]float32](t, a.Outputs[1].Data)
	if len(p) != 20 || math.Abs(float64(p[want[0].Class])-want[0].Probability) > 1e-6 {
		t.Errorf("probabilities %v, want %+v", p, want)
	}

	// One file and nothing else, and two with their lengths.
	one := `{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES"}]}`
	if status, _, text := ask(t, "POST", url+"/v2/models/fashion/infer", strings.NewReader(one+string(file)), "Inference-Header-Content-Length", fmt.Sprint(len(one))); status != 200 {
		t.Errorf("one file: status %d: %s", status, text)
	}
	var two []byte
	for range 2 {
		two = append(binary.LittleEndian.AppendUint32(two, uint32(len(file))), file...)
	}
	head := fmt.Sprintf(`{"inputs":[{"name":"image","shape":[2,1],"datatype":"BYTES","parameters":{"binary_data_size":%d}}]}`, len(two))
	if status, _, text := ask(t, "POST", url+"/v2/models/fashion/infer", strings.NewReader(head+string(two)), "Inference-Header-Content-Length", fmt.Sprint(len(head))); status != 200 || !slices.Equal(decode[inference](t, text).Outputs[0].Shape, []int{2, 10}) {
		t.Errorf("two files: status %d: %s", status, text)
	}
}

// TestInferRefusals sends requests that contradict themselves or the model.
func TestInferRefusals(t *testing.T) {
	_, url := start(t, serve.Options{})
	tensor := func(s string) string { return `{"inputs":[` + s + `]}` }
	for body, says := range map[string]string{
		"":                                       "object",
		"[]":                                     "object",
		`{"inputs":[{`:                           "want",
		`{"inputs":[]`:                           "want",
		`{"inputs":[]}`:                          "0 inputs",
		`{"inputs":[{},{}]}`:                     "2 inputs",
		tensor(`{"name":"x","datatype":"FP32"}`): "want",
		tensor(`{"name":"input","datatype":"INT8","shape":[1,1,28,28],"data":[]}`):                                         "FP32",
		tensor(`{"name":"input","datatype":"FP32","shape":[1,28,28,1],"data":[]}`):                                         "want [pictures,1,28,28]",
		tensor(`{"name":"input","datatype":"FP32","shape":[1,1,28,28],"data":[1,2]}`):                                      "fewer numbers",
		tensor(`{"name":"input","datatype":"FP32","shape":[4611686018427387904,1,28,28],"data":[1,2]}`):                    "too large",
		tensor(`{"name":"input","datatype":"FP32","shape":[-1,1,28,28],"data":[1,2]}`):                                     "want",
		tensor(`{"name":"input","datatype":"FP32","shape":[1,1,28,28],"data":[` + strings.Repeat("1e99,", 783) + `1]}`):    "float32",
		tensor(`{"name":"input","datatype":"FP32","shape":[1,1,28,28],"data":[` + strings.Repeat("1,", 800) + `1]}`):       "more numbers",
		tensor(`{"name":"input","datatype":"FP32","shape":[1,1,28,28],"data":` + strings.Repeat("[", 2000) + `1]}`):        "",
		tensor(`{"name":"input","datatype":"FP32","shape":[1,1,28,28],"parameters":{"binary_data_size":3136}}`):            "binary_data_size",
		tensor(`{"name":"image","datatype":"BYTES","shape":[1],"data":["%%%"]}`):                                           "base64",
		tensor(`{"name":"image","datatype":"BYTES","shape":[3],"data":["aGVsbG8="]}`):                                      "1 element",
		tensor(`{"name":"image","datatype":"BYTES","shape":[1],"data":["aGVsbG8="]}`):                                      "",
		`{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["aGVsbG8="]}],"outputs":[{"name":"boxes"}]}`:    "boxes",
		`{"parameters":{"timeout":"soon"},"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["aGVsbG8="]}]}`: "microseconds",
	} {
		status, _, text := ask(t, "POST", url+"/v2/models/fashion/infer", strings.NewReader(body))
		var e struct{ Error string }
		if json.Unmarshal(text, &e) != nil || status != http.StatusBadRequest || e.Error == "" || !strings.Contains(e.Error, says) {
			t.Errorf("%.100s: status %d, want 400 that says %q: %s", body, status, says, text)
		}
	}
	files := strings.Repeat(`"aGVsbG8=",`, 1024) + `"aGVsbG8="`
	if status, _, text := ask(t, "POST", url+"/v2/models/fashion/infer", strings.NewReader(tensor(`{"name":"image","datatype":"BYTES","shape":[1025],"data":[`+files+`]}`))); status != http.StatusBadRequest || !strings.Contains(string(text), "at most 1024") {
		t.Errorf("many files: status %d: %s", status, text)
	}
	for _, length := range []string{"-1", "99", "x"} {
		if status, _, text := ask(t, "POST", url+"/v2/models/fashion/infer", strings.NewReader(`{}`), "Inference-Header-Content-Length", length); status != http.StatusBadRequest {
			t.Errorf("header length %s: status %d: %s", length, status, text)
		}
	}
}

// TestMetadata reads what clients read before they ask.
func TestMetadata(t *testing.T) {
	_, url := start(t, serve.Options{AllowLoad: true})
	for _, c := range []struct{ method, path, says string }{
		{"GET", "/v2", `"extensions":["classification"`},
		{"GET", "/v2/health/live", `{"live":true}`},
		{"GET", "/v2/health/ready", `{"ready":true}`},
		{"GET", "/v2/models", `["fashion"]`},
		{"GET", "/v2/models/fashion", `"inputs":[{"name":"input","datatype":"FP32","shape":[-1,1,28,28]}]`},
		{"GET", "/v2/models/fashion/versions/1/ready", `"ready":true`},
		{"GET", "/v2/models/fashion/config", `"format":"FORMAT_NCHW"`},
		{"GET", "/v2/models/fashion/stats", `"inference_count":0`},
		{"GET", "/v2/models/stats", `"name":"fashion"`},
		{"POST", "/v2/repository/index", `[{"name":"fashion","version":"1","state":"READY"}]`},
		{"POST", "/v2/repository/models/fashion/unload", `{}`},
		{"POST", "/v2/repository/index", `"state":"UNAVAILABLE","reason":"unloaded"`},
		{"GET", "/v2/models", `{"models":[]}`},
		{"POST", "/v2/repository/models/fashion/load", `{}`},
		{"GET", "/v2/models/fashion/ready", `"ready":true`},
		{"GET", "/openapi.json", `openapi`},
	} {
		if status, _, text := ask(t, c.method, url+c.path, nil); status != 200 || !strings.Contains(string(text), c.says) {
			t.Errorf("%s: status %d: %s", c.path, status, text)
		}
	}
	if status, _, text := ask(t, "POST", url+"/v2/repository/models/nobody/load", nil); status != 404 {
		t.Errorf("status %d: %s", status, text)
	}
	if status, _, text := ask(t, "POST", url+"/v2/repository/models/fashion/load", strings.NewReader(`{"parameters":{"file:1/model.pth":"x"}}`)); status != 400 {
		t.Errorf("a file of the client's: status %d: %s", status, text)
	}
}

// TestManyPictures sends more pictures than there is memory for.
func TestManyPictures(t *testing.T) {
	_, url := start(t, serve.Options{MaxMemory: 256 << 10})
	file := base64.StdEncoding.EncodeToString(picture(t, 8, 8))
	files := strings.Repeat(`"`+file+`",`, 499) + `"` + file + `"`
	body := `{"inputs":[{"name":"image","datatype":"BYTES","shape":[500],"data":[` + files + `]}]}`
	if status, _, text := ask(t, "POST", url+"/v2/models/fashion/infer", strings.NewReader(body)); status != http.StatusRequestEntityTooLarge || !strings.Contains(string(text), "fewer") {
		t.Errorf("status %d: %s", status, text)
	}
}
