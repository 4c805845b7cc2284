package serve

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// rpcInfer answers an inference request.
func (h *Handler) rpcInfer(r *http.Request, b []byte) (answer []byte, err error) {
	start := time.Now()
	q := &inferRequest{}
	raw, model, version, err := q.parseMessage(b)
	if err != nil {
		return nil, err
	}
	on, err := h.models.acquire(model, version)
	if err != nil {
		return nil, err
	}
	k := &work{on: on}
	defer func() { k.ended(r, start, err) }()
	timeout, err := q.parameters.timeout()
	if err == nil {
		err = q.toWork(k)
	}
	if err == nil {
		err = q.checkOutputs(on)
	}
	if err != nil {
		on.release()
		return nil, &statusError{http.StatusBadRequest, err}
	}
	if timeout > 0 {
		timed, cancel, _ := limited(r, timeout) // is above 0
		defer cancel()
		r = timed
	}
	if err := h.do(r, k); err != nil {
		return nil, err
	}
	return q.message(k, raw), nil
}

// parseMessage reads a ModelInferRequest. Its tensors are raw, or in fields of
// their types.
func (q *inferRequest) parseMessage(b []byte) (raw bool, model, version string, err error) {
	var contents [][]byte
	err = fields(b, func(v field) error {
		switch v.id {
		case 1:
			model = string(v.bytes)
		case 2:
			version = string(v.bytes)
		case 3:
			q.id = string(v.bytes)
		case 4:
			return q.parameterMessage(v.bytes)
		case 5:
			return q.inputMessage(v.bytes)
		case 6:
			return q.outputMessage(v.bytes)
		case 7:
			contents = append(contents, v.bytes)
		}
		return nil
	})
	if err != nil || contents == nil {
		return false, model, version, err
	}
	if len(contents) != len(q.inputs) {
		return true, model, version, failf(http.StatusBadRequest, "%s of raw contents for %s", count(len(contents), "tensor"), count(len(q.inputs), "input"))
	}
	for i, c := range contents {
		if q.inputs[i].binary != nil {
			return true, model, version, failf(http.StatusBadRequest, "input %q has raw contents and others", q.inputs[i].Name)
		}
		q.inputs[i].setBinary(c)
	}
	return true, model, version, nil
}

// setBinary gives a tensor its data, whose size is known.
func (t *inputTensor) setBinary(b []byte) {
	size := int64(len(b))
	t.binary, t.Parameters.BinarySize = b, &size
}

func (q *inferRequest) inputMessage(b []byte) error {
	var t inputTensor
	var typed []byte
	err := fields(b, func(v field) (err error) {
		switch v.id {
		case 1:
			t.Name = string(v.bytes)
		case 2:
			t.Datatype = string(v.bytes)
		case 3:
			t.Shape, err = numbers(t.Shape, v)
		case 5:
			err = fields(v.bytes, func(v field) error {
				switch v.id {
				case 6: // numbers of 32 bits, packed or one at a time
					typed = append(typed, v.bytes...)
				case 8:
					typed = append(binary.LittleEndian.AppendUint32(typed, uint32(len(v.bytes))), v.bytes...)
				default:
					return failf(http.StatusBadRequest, "input %q: its contents are neither FP32 nor BYTES", t.Name)
				}
				return nil
			})
		}
		return err
	})
	if typed != nil {
		t.setBinary(typed)
	}
	q.inputs = append(q.inputs, t)
	return err
}

// parameterMessage reads one of those that are known.
func (q *inferRequest) parameterMessage(b []byte) error {
	p, err := readParameter(b)
	if err != nil {
		return err
	}
	to := map[string]any{"timeout": &q.parameters.Timeout, "score": &q.parameters.Score, "iou": &q.parameters.IoU, "max": &q.parameters.Max}[p.name]
	if to == nil {
		return nil
	}
	return p.read(to)
}

// read reads the value of a parameter.
func (p parameter) read(to any) error {
	if err := json.Unmarshal(p.value, to); err != nil {
		return failf(http.StatusBadRequest, "parameter %s: %w", p.name, err)
	}
	return nil
}

func (q *inferRequest) outputMessage(b []byte) error {
	var o outputWish
	err := fields(b, func(v field) error {
		switch v.id {
		case 1:
			o.Name = string(v.bytes)
		case 2:
			p, err := readParameter(v.bytes)
			if err == nil && p.name == "classification" {
				err = p.read(&o.Parameters.Classification)
			}
			return err
		}
		return nil
	})
	q.outputs = append(q.outputs, o)
	return err
}

// message writes a ModelInferResponse, its tensors raw as those of the request
// were.
func (q *inferRequest) message(k *work, raw bool) []byte {
	tensors := q.tensors(k)
	return written(func(m *message) {
		m.text(1, k.on.name)
		m.text(2, k.on.version)
		m.text(3, q.id)
		for _, t := range tensors {
			m.part(5, func(m *message) {
				m.text(1, t.Name)
				m.text(2, t.Datatype)
				m.shape(3, t.Shape)
				if !raw {
					m.part(5, t.contents)
				}
			})
		}
		for _, t := range tensors {
			if raw {
				m.bytes(6, appendBinary(nil, t.Data))
			}
		}
	})
}

// contents writes InferTensorContents.
func (t outputTensor) contents(m *message) {
	switch data := t.Data.(type) {
	case []string:
		for _, s := range data {
			m.bytes(8, []byte(s))
		}
	case []int64:
		var packed []byte
		for _, v := range data {
			packed = protowire.AppendVarint(packed, uint64(v))
		}
		m.bytes(3, packed)
	default:
		m.bytes(6, appendBinary(nil, data))
	}
}
