package serve

import (
	"fmt"
	"math"
	"testing"

	"github.com/mixnet-go/mixnet"
)

// FuzzRequest reads inference requests: an error, or as many inputs as there
// are values or pictures, none of which is longer than the request.
func FuzzRequest(f *testing.F) {
	c, err := mixnet.Open(f.Context(), "fashion", mixnet.OpenOptions{Options: mixnet.Options{Threads: 1}})
	if err != nil {
		f.Fatal(err)
	}
	defer c.Close()
	on := newInstance(c, "1")
	image := `{"id":"a\"]}","inputs":[{"name":"image","shape":[2],"datatype":"BYTES","data":["aGVsbG8=",["aGVsbG8="]]}],"outputs":[{"name":"logits","parameters":{"classification":3}}]}`
	head := `{"parameters":{"timeout":"5"},"inputs":[{"name":"image","shape":[1,1],"datatype":"BYTES","parameters":{"binary_data_size":9}}]}`
	f.Add([]byte(image), "")
	f.Add([]byte(head+"\x05\x00\x00\x00hello"), fmt.Sprint(len(head)))
	f.Add([]byte(`{"inputs":[{"name":"input","shape":[1,1,28,28],"datatype":"FP32","data":[[[1,-2.5e3,null]]]}]}`), "")
	f.Add(make([]byte, 4*28*28), "0")
	f.Fuzz(func(t *testing.T, body []byte, header string) {
		q, err := parseRequest(body, header, on)
		if err != nil {
			return
		}
		k := &work{on: on}
		if q.toWork(k) != nil || q.checkOutputs(on) != nil {
			return
		}
		if _, err := q.parameters.timeout(); err != nil {
			return
		}
		if k.n < 1 || len(k.files) != k.n && len(k.values) != k.n*on.pixels() {
			t.Fatalf("%d inputs, %d pictures, %d values", k.n, len(k.files), len(k.values))
		}
		total := 0
		for _, file := range k.files {
			total += len(file)
		}
		if max(total, len(k.values)) > len(body) {
			t.Fatalf("%d bytes of pictures and %d values in %d bytes", total, len(k.values), len(body))
		}
	})
}

// FuzzMessage reads inference requests as gRPC sends them.
func FuzzMessage(f *testing.F) {
	f.Add(written(func(m *message) {
		m.text(1, "fashion")
		m.part(4, func(m *message) {
			m.text(1, "timeout")
			m.part(2, func(m *message) { m.number(2, 1000) })
		})
		m.part(5, func(m *message) {
			m.text(1, imageName)
			m.text(2, "BYTES")
			m.shape(3, []int{1})
			m.part(5, func(m *message) { m.bytes(8, []byte("hello")) })
		})
		m.part(6, func(m *message) { m.text(1, logitsName) })
	}))
	f.Add(written(func(m *message) {
		m.part(5, func(m *message) { m.shape(3, []int{-1, math.MaxInt >> 1}) })
		m.bytes(7, []byte{1, 2, 3})
	}))
	f.Fuzz(func(t *testing.T, body []byte) {
		q := &inferRequest{}
		if _, _, _, err := q.parseMessage(body); err != nil {
			return
		}
		total := 0
		for _, in := range q.inputs {
			total += len(in.binary)
		}
		// Each element has a length of four bytes before it, and took two.
		if total > 3*len(body) {
			t.Fatalf("%d bytes of tensors in %d", total, len(body))
		}
	})
}
