package serve

import (
	"cmp"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet"
)

// outputTensor is a tensor of an answer.
type outputTensor struct {
	Name       string         `json:"name"`
	Datatype   string         `json:"datatype"`
	Shape      []int          `json:"shape"`
	Parameters map[string]any `json:"parameters,omitempty"`
	Data       any            `json:"data,omitempty"` // []float32, []int64 or []string, unless it is binary
}

// checkOutputs refuses outputs that there are not.
func (q *inferRequest) checkOutputs(on *instance) error {
	names := []string{logitsName, probabilitiesName}
	if on.detector != nil {
		names = objectOutputs
	}
	for _, o := range q.outputs {
		if !slices.Contains(names, o.Name) {
			return fmt.Errorf("output %q: there are %q", o.Name, names)
		}
		if k := o.Parameters.Classification; k < 0 || k > 0 && on.detector != nil {
			return fmt.Errorf("output %q: classification %d", o.Name, k)
		}
	}
	if len(q.outputs) == 0 {
		for _, t := range on.outputs() {
			q.outputs = append(q.outputs, outputWish{Name: t.Name})
		}
	}
	return nil
}

// answer writes the outputs of a request.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, q *inferRequest, k *work) error {
	tensors := q.tensors(k)
	var tail []byte
	anyBinary := false
	for i, o := range q.outputs {
		t := &tensors[i]
		inBinary := q.parameters.Binary
		if o.Parameters.Binary != nil {
			inBinary = *o.Parameters.Binary
		}
		if inBinary {
			before := len(tail)
			tail = appendBinary(tail, t.Data)
			t.Data, t.Parameters = nil, map[string]any{"binary_data_size": len(tail) - before}
			anyBinary = true
		}
	}
	head, err := json.Marshal(struct {
		Model   string         `json:"model_name"`
		Version string         `json:"model_version"`
		ID      string         `json:"id,omitempty"`
		Outputs []outputTensor `json:"outputs"`
	}{k.on.name, k.on.version, q.id, tensors})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	if anyBinary {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set(headerLength, strconv.Itoa(len(head)))
	}
	w.Header().Set("Server-Timing", serverTiming(visitOf(r).times))
	writeEncoded(w, r, head, tail)
	return nil
}

// tensors returns the outputs that are asked for.
func (q *inferRequest) tensors(k *work) []outputTensor {
	var tensors []outputTensor
	for _, o := range q.outputs {
		if k.found != nil {
			tensors = append(tensors, objectTensor(o.Name, k.found, cmp.Or(k.objects.Max, mixnet.MaxObjects)))
			continue
		}
		values := k.outputs(o.Name)
		t := outputTensor{Name: o.Name, Datatype: "FP32", Shape: []int{k.n, k.on.classes}, Data: values}
		if o.Parameters.Classification > 0 {
			names := k.names(values, o.Parameters.Classification)
			t.Datatype, t.Shape[1], t.Data = "BYTES", len(names)/k.n, names
		}
		tensors = append(tensors, t)
	}
	return tensors
}

// outputs returns an output of all pictures.
func (k *work) outputs(name string) []float32 {
	if name == logitsName {
		return k.logits
	}
	values := make([]float32, 0, len(k.logits))
	for rest := k.logits; len(rest) > 0; rest = rest[k.on.classes:] {
		for _, p := range softmax(rest[:k.on.classes]) {
			values = append(values, float32(p))
		}
	}
	return values
}

// names returns the best classes of each picture, as "value:index:label".
func (k *work) names(values []float32, best int) []string {
	var names []string
	header := k.on.network.Header()
	for ; len(values) > 0; values = values[k.on.classes:] {
		row := values[:k.on.classes]
		for _, class := range largest(row, best) {
			names = append(names, fmt.Sprintf("%f:%d:%s", row[class], class, header.Label(class)))
		}
	}
	return names
}

// appendBinary appends a tensor's data as the binary extension has them.
func appendBinary(b []byte, data any) []byte {
	switch data := data.(type) {
	case []float32:
		for _, v := range data {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	case []int64:
		for _, v := range data {
			b = binary.LittleEndian.AppendUint64(b, uint64(v))
		}
	case []string:
		for _, s := range data {
			b = append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
		}
	}
	return b
}

// writeEncoded writes an answer, compressed if the client asks for it.
func writeEncoded(w http.ResponseWriter, r *http.Request, parts ...[]byte) {
	var to io.Writer = w
	accept := r.Header.Get("Accept-Encoding")
	var packed io.WriteCloser
	// Encodings in order of preference, as listed; clients of the protocol name one.
	for name := range strings.SplitSeq(accept, ",") {
		switch name = strings.TrimSpace(name); name {
		case "gzip":
			packed = gzip.NewWriter(w)
		case "deflate":
			packed = zlib.NewWriter(w)
		default:
			continue
		}
		w.Header().Set("Content-Encoding", name)
		to = packed
		break
	}
	w.WriteHeader(http.StatusOK)
	for _, p := range parts {
		if _, err := to.Write(p); err != nil {
			return // the client has gone
		}
	}
	if packed != nil {
		packed.Close() // likewise
	}
}
