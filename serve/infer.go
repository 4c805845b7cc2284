package serve

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/mixnet-go/mixnet/vision"
)

// headerLength is the header that says how many bytes of JSON come before the
// binary tensors.
const headerLength = "Inference-Header-Content-Length"

// mostInputs bounds the pictures of a request, so that none holds up all others:
// a file can be small and its picture large.
const mostInputs = 1024

// inferRequest is the JSON of an inference request.
type inferRequest struct {
	id         string
	parameters requestParameters
	inputs     []inputTensor
	outputs    []outputWish
}

type requestParameters struct {
	Binary  bool            `json:"binary_data_output"`
	Timeout json.RawMessage `json:"timeout"` // µs, a number or a string
	objectOptions
}

// inputTensor is a tensor of a request: its data are JSON, or binary.
type inputTensor struct {
	Name       string `json:"name"`
	Datatype   string `json:"datatype"`
	Shape      []int  `json:"shape"`
	Parameters struct {
		BinarySize  *int64 `json:"binary_data_size"`
		ContentType string `json:"content_type"`
	} `json:"parameters"`

	data   []byte // JSON; nil if there are none
	binary []byte
}

// outputWish is an output that the client names.
type outputWish struct {
	Name       string `json:"name"`
	Parameters struct {
		Binary         *bool `json:"binary_data"`
		Classification int   `json:"classification"`
	} `json:"parameters"`
}

// infer answers an inference request.
func (h *Handler) infer(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	on, err := h.models.acquire(r.PathValue("model"), r.PathValue("version"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	k := &work{on: on}
	err = h.inferred(w, r, k, start)
	if err != nil {
		h.fail(w, r, err)
	}
}

func (h *Handler) inferred(w http.ResponseWriter, r *http.Request, k *work, start time.Time) (err error) {
	defer func() { k.ended(r, start, err) }()
	u, ask, err := h.readInference(w, r, k)
	defer u.free()
	if err != nil {
		k.on.release()
		return err
	}
	if d, err := ask.parameters.timeout(); err != nil {
		k.on.release()
		return err
	} else if d > 0 {
		timed, cancel, _ := limited(r, d) // is above 0
		defer cancel()
		r = timed
	}
	if err := h.do(r, k); err != nil {
		return err
	}
	return h.answer(w, r, ask, k)
}

// readInference reads and checks a request.
func (h *Handler) readInference(w http.ResponseWriter, r *http.Request, k *work) (*upload, *inferRequest, error) {
	u, err := h.read(w, r)
	if err != nil {
		return u, nil, err
	}
	ask, err := parseRequest(u.content, r.Header.Get(headerLength), k.on)
	if err == nil {
		err = ask.toWork(k)
	}
	if err == nil {
		err = ask.checkOutputs(k.on)
	}
	if err != nil {
		err = &statusError{http.StatusBadRequest, err}
	}
	return u, ask, err
}

func (p requestParameters) timeout() (time.Duration, error) {
	if p.Timeout == nil {
		return 0, nil
	}
	text := string(p.Timeout)
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	us, err := strconv.ParseInt(text, 10, 64)
	if err != nil || us < 0 || us > math.MaxInt64/int64(time.Microsecond) {
		return 0, failf(http.StatusBadRequest, "parameter timeout: %s is no number of microseconds", p.Timeout)
	}
	return time.Duration(us) * time.Microsecond, nil
}

// parseRequest reads a body: JSON, or as much JSON as the header says with
// binary tensors behind it.
func parseRequest(body []byte, header string, on *instance) (*inferRequest, error) {
	text, rest := body, []byte(nil)
	if header != "" {
		n, err := strconv.ParseInt(header, 10, 64)
		if err != nil || n < 0 || n > int64(len(body)) {
			return nil, fmt.Errorf("%s: %q of a body of %d bytes", headerLength, header, len(body))
		}
		text, rest = body[:n], body[n:]
	}
	if header == "0" {
		return rawRequest(rest, on), nil
	}
	q := &inferRequest{}
	s := scanner{text: text}
	err := s.object(func(name string) error {
		switch name {
		case "inputs":
			return s.array(func() error { return q.input(&s) })
		case "outputs":
			return decode(&s, name, &q.outputs)
		case "parameters":
			return decode(&s, name, &q.parameters)
		case "id":
			return decode(&s, name, &q.id)
		}
		_, err := s.value()
		return err
	})
	if err == nil {
		err = s.end()
	}
	if err == nil {
		err = q.shareOut(rest)
	}
	return q, err
}

// rawRequest is a body that is one input tensor and nothing else.
func rawRequest(body []byte, on *instance) *inferRequest {
	q := &inferRequest{parameters: requestParameters{Binary: true}}
	n := len(body) / (4 * on.pixels())
	q.inputs = []inputTensor{{Name: inputName, Datatype: "FP32", Shape: []int{n, on.in.Channels, on.in.Size[0], on.in.Size[1]}, binary: body}}
	return q
}

func decode(s *scanner, name string, v any) error {
	text, err := s.value()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	return nil
}

// input reads one element of "inputs".
func (q *inferRequest) input(s *scanner) error {
	var t inputTensor
	err := s.object(func(name string) (err error) {
		switch name {
		case "name":
			err = decode(s, name, &t.Name)
		case "datatype":
			err = decode(s, name, &t.Datatype)
		case "shape":
			err = decode(s, name, &t.Shape)
		case "parameters":
			err = decode(s, name, &t.Parameters)
		case "data":
			t.data, err = s.value()
		default:
			_, err = s.value()
		}
		return err
	})
	q.inputs = append(q.inputs, t)
	return err
}

// shareOut gives the binary part of a request to its tensors, in their order.
func (q *inferRequest) shareOut(rest []byte) error {
	for i := range q.inputs {
		t := &q.inputs[i]
		size := t.Parameters.BinarySize
		switch {
		case size == nil && t.data == nil && len(q.inputs) == 1 && len(rest) > 0:
			t.binary, rest = rest, nil // the only one has all
		case size == nil:
			continue
		case t.data != nil:
			return fmt.Errorf("input %q has both data and binary_data_size", t.Name)
		case *size < 0 || *size > int64(len(rest)):
			return fmt.Errorf("input %q: binary_data_size is %d, of %d bytes that are left", t.Name, *size, len(rest))
		default:
			t.binary, rest = rest[:*size:*size], rest[*size:]
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("%d bytes follow that belong to no input", len(rest))
	}
	return nil
}

// toWork turns the inputs into pictures or values.
func (q *inferRequest) toWork(k *work) error {
	if err := q.parameters.check(k); err != nil {
		return err
	}
	if len(q.inputs) != 1 {
		return fmt.Errorf("%s: want one, %q (FP32) or %q (BYTES: picture files)", count(len(q.inputs), "input"), inputName, imageName)
	}
	t := &q.inputs[0]
	var err error
	switch {
	case t.Name == inputName && t.Datatype == "FP32":
		k.n, k.values, err = t.floats(k.on)
	case t.Name == imageName && t.Datatype == "BYTES":
		k.files, err = t.pictures()
		k.n = len(k.files)
	default:
		err = fmt.Errorf("want %q of datatype FP32, or %q of datatype BYTES", inputName, imageName)
	}
	if err == nil && k.n > mostInputs {
		err = fmt.Errorf("%d pictures in one request: at most %d", k.n, mostInputs)
	}
	if err != nil {
		return fmt.Errorf("input %q of datatype %s: %w", t.Name, t.Datatype, err)
	}
	return nil
}

// floats returns the values of a tensor of normalised inputs, channels last.
func (t *inputTensor) floats(on *instance) (n int, values []float32, err error) {
	c, h, w := on.in.Channels, on.in.Size[0], on.in.Size[1]
	s := t.Shape
	if len(s) != 4 || s[0] < 1 || s[1] != c || s[2] != h || s[3] != w {
		return 0, nil, fmt.Errorf("shape %v: want [pictures,%d,%d,%d]", s, c, h, w)
	}
	if n = s[0]; n > math.MaxInt32/on.pixels() {
		return 0, nil, fmt.Errorf("shape %v is too large", s)
	}
	size := n * on.pixels()
	switch {
	case t.data != nil:
		values, err = floats(t.data, size)
	case len(t.binary) != 4*size:
		err = fmt.Errorf("%d bytes, shape %v takes %d", len(t.binary), s, 4*size)
	default:
		values = make([]float32, size)
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.binary[4*i:]))
		}
	}
	if err != nil {
		return 0, nil, err
	}
	for _, v := range values {
		if v-v != 0 {
			return 0, nil, fmt.Errorf("a value is not finite")
		}
	}
	return n, channelsLast(values, n, c, h*w), nil
}

// channelsLast turns n planes of each channel into pixels.
func channelsLast(planes []float32, n, channels, area int) []float32 {
	if channels == 1 {
		return planes
	}
	pixels := make([]float32, len(planes))
	for i := range n {
		picture := i * channels * area
		for c := range channels {
			for p, v := range planes[picture+c*area : picture+(c+1)*area] {
				pixels[picture+p*channels+c] = v
			}
		}
	}
	return pixels
}

// pictures returns the picture files of a tensor of bytes: with their lengths
// before them, or where it is one picture of no stated size, alone.
func (t *inputTensor) pictures() ([][]byte, error) {
	n := 1
	for _, d := range t.Shape {
		if d < 1 || d > 1<<16 || n > 1<<16 {
			return nil, fmt.Errorf("shape %v: want the number of pictures", t.Shape)
		}
		n *= d
	}
	if len(t.Shape) == 0 || len(t.Shape) > 2 {
		return nil, fmt.Errorf("shape %v: want the number of pictures", t.Shape)
	}
	var files [][]byte
	if t.data != nil {
		if !json.Valid(t.data) {
			return nil, errJSON
		}
		return base64Files(t.data, n)
	}
	if _, err := vision.Sniff(t.binary); err == nil && n == 1 && t.Parameters.BinarySize == nil {
		return [][]byte{t.binary}, nil
	}
	for rest := t.binary; len(rest) > 0; {
		if len(rest) < 4 || int64(binary.LittleEndian.Uint32(rest)) > int64(len(rest)-4) {
			return nil, fmt.Errorf("element %d is longer than what is left", len(files))
		}
		size := binary.LittleEndian.Uint32(rest)
		files, rest = append(files, rest[4:4+size]), rest[4+size:]
		if len(files) > n {
			break
		}
	}
	if len(files) != n {
		return nil, fmt.Errorf("%s, shape %v takes %d", count(len(files), "element"), t.Shape, n)
	}
	return files, nil
}

// base64Files returns the picture files of JSON strings.
func base64Files(data []byte, n int) ([][]byte, error) {
	s := scanner{text: data}
	var files [][]byte
	element := func() error {
		var text string
		if err := decode(&s, "data", &text); err != nil {
			return err
		}
		file, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return fmt.Errorf("in JSON, pictures are base64: %w", err)
		}
		files = append(files, file)
		return nil
	}
	err := s.array(func() error {
		if s.space(); s.at < len(s.text) && s.text[s.at] == '[' {
			return s.array(element)
		}
		return element()
	})
	if err == nil && len(files) != n {
		err = fmt.Errorf("%s, the shape takes %d", count(len(files), "element"), n)
	}
	return files, err
}
