package command

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/mixnet-go/mixnet"
)

// record is what --stdin reads: an image, in a file or in itself.
type record struct {
	ID    json.RawMessage `json:"id,omitempty"`
	Image string          `json:"image,omitempty"`
	Data  []byte          `json:"data,omitempty"`

	number int // of the line, from 1
	err    error
}

// answer is what is written for a record.
type answer struct {
	ID          json.RawMessage     `json:"id,omitempty"`
	Record      int                 `json:"record,omitempty"` // number of a bad line
	Image       string              `json:"image,omitempty"`
	Predictions []mixnet.Prediction `json:"predictions"`
	Error       string              `json:"error,omitempty"`
}

// maxRecord bounds a line.
const maxRecord = maxImagePipe

// predictRecords reads records until there are no more and answers each, in
// order. What can be read without waiting is judged together.
func (c *predictCmd) predictRecords(e *env) error {
	m, _, err := c.ready(e)
	if err != nil {
		return err
	}
	defer m.Close()
	out := bufio.NewWriter(e.stdout)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	all, bad := 0, 0
	for group, err := range recordGroups(e.stdin) {
		if err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
		for i := range group {
			group[i].load(e)
		}
		for _, a := range c.answers(e, m, group) {
			if all++; a.Error != "" {
				bad++
				e.note("record %d: %s\n", a.Record, oneLine(a.Error))
			}
			if err := enc.Encode(a); err != nil {
				return err
			}
		}
		if err := errors.Join(e.ctx.Err(), out.Flush()); err != nil {
			return err
		}
	}
	if bad > 0 && !c.BadOK {
		return fmt.Errorf("%d of %d records could not be named; --bad-ok makes that no failure", bad, all)
	}
	return nil
}

// answers judges a group of records.
func (c *predictCmd) answers(e *env, m *mixnet.Classifier, group []record) []answer {
	answers := make([]answer, len(group))
	var pictures []mixnet.Picture
	var of []int
	for i, r := range group {
		answers[i] = answer{ID: r.ID, Image: r.Image}
		if r.err != nil {
			answers[i].Error, answers[i].Record = r.err.Error(), r.number
			continue
		}
		pictures, of = append(pictures, mixnet.Bytes(r.Data)), append(of, i)
	}
	next := 0
	for found, err := range c.classify(e, m, pictures) {
		a := &answers[of[next]]
		if err != nil {
			a.Error, a.Record = err.Error(), group[of[next]].number
		} else {
			a.Predictions = above(found, c.Threshold)
		}
		next++
	}
	return answers
}

// load reads the image of a record that names a file.
func (r *record) load(e *env) {
	switch {
	case r.err != nil:
	case (r.Image != "") == (len(r.Data) > 0):
		r.err = errors.New("want either image, a path, or data, an image in base64")
	case r.Image == "-":
		r.err = errors.New("the image of a record is no standard input")
	case r.Image != "":
		if r.Data, r.err = readImage(e, r.Image); r.err == nil && len(r.Data) == 0 {
			r.err = errors.New("the file is empty")
		}
	}
}

// recordGroups yields the records of r: as many as have come, up to a number and
// a size. Empty lines are none.
func recordGroups(r io.Reader) iter.Seq2[[]record, error] {
	return func(yield func([]record, error) bool) {
		in := bufio.NewReaderSize(r, 1<<20)
		var group []record
		size := 0
		for number := 1; ; number++ {
			line, long, err := readLine(in)
			if err != nil && !errors.Is(err, io.EOF) {
				yield(nil, err)
				return
			}
			if long || len(bytes.TrimSpace(line)) > 0 {
				rec := record{number: number}
				switch {
				case long:
					rec.err = fmt.Errorf("a line of more than %s", formatBytes(maxRecord))
				default:
					if bad := json.Unmarshal(line, &rec); bad != nil {
						rec = record{ID: rec.ID, number: number, err: fmt.Errorf("no record: %w", bad)}
					}
				}
				group, size = append(group, rec), size+len(line)
			}
			full := len(group) == groupImages || size >= groupBytes || in.Buffered() == 0
			if len(group) > 0 && (full || err != nil) {
				if !yield(group, nil) {
					return
				}
				group, size = nil, 0
			}
			if err != nil {
				return
			}
		}
	}
}

// readLine reads a line; of one that is too long, only that it is.
func readLine(in *bufio.Reader) (line []byte, long bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if long = long || len(line)+len(part) > maxRecord; long {
			line = nil
		} else {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, long, err
		}
	}
}
