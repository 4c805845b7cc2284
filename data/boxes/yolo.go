package boxes

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/vision"
)

// yoloFile is the labels of a picture.
type yoloFile struct {
	path     string
	boxes    []labelledBox
	found    findings
	outlines int
}

// maxText bounds a file of labels of one picture, in bytes.
const maxText = 16 << 20

// readYOLO reads a text file; it returns nil for one that is no labels: whose
// first line with anything in it is not of numbers.
func readYOLO(file string) (*yoloFile, error) {
	f, err := os.Open(filepath.FromSlash(file))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	y := &yoloFile{path: file, found: findings{}}
	s := bufio.NewScanner(io.LimitReader(f, maxText))
	s.Buffer(make([]byte, 0, 4<<10), maxText)
	line, good := 0, 0
	for s.Scan() {
		line++
		fields := strings.Fields(string(bytes.TrimPrefix(s.Bytes(), []byte("\ufeff"))))
		if len(fields) == 0 {
			continue
		}
		if good == 0 && len(y.found) == 0 && !numbers(fields) {
			return nil, nil
		}
		if why := y.add(fields, line); why != "" {
			y.found.add(BrokenBox, Place{file, line, why})
			continue
		}
		good++
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return y, nil
}

// numbers reports whether a line may be one of a label: a class and, unless it
// is cut off, numbers.
func numbers(fields []string) bool {
	if _, err := strconv.ParseUint(fields[0], 10, 31); err != nil || len(fields) < 2 {
		return false
	}
	for _, f := range fields[1:] {
		if _, err := strconv.ParseFloat(f, 64); err != nil {
			return false
		}
	}
	return true
}

// add adds the box of a line, or says why it cannot.
func (y *yoloFile) add(fields []string, line int) (why string) {
	class, err := strconv.Atoi(fields[0])
	if err != nil || class < 0 {
		return fmt.Sprintf("class %q: want a number from 0", fields[0])
	}
	values := make([]float64, len(fields)-1)
	for i, f := range fields[1:] {
		values[i] = coordinate(f)
	}
	b := labelledBox{parts: true, class: class, line: line}
	switch n := len(values); {
	case n == 4:
		b.box = vision.Box{X0: values[0] - values[2]/2, Y0: values[1] - values[3]/2, X1: values[0] + values[2]/2, Y1: values[1] + values[3]/2}
	case n == 5:
		return "six columns, as programs write that find objects: labels have five, without the confidence"
	case n >= 6 && n%2 == 0:
		b.box = extent(values)
		y.outlines++
	default:
		return fmt.Sprintf("%d columns: want a class, and the center and size of its box", len(fields))
	}
	y.boxes = append(y.boxes, b)
	return ""
}

// extent returns the box around the points of an outline.
func extent(v []float64) vision.Box {
	b := vision.Box{X0: v[0], Y0: v[1], X1: v[0], Y1: v[1]}
	for i := 0; i+1 < len(v); i += 2 {
		b.X0, b.X1 = min(b.X0, v[i]), max(b.X1, v[i])
		b.Y0, b.Y1 = min(b.Y0, v[i+1]), max(b.Y1, v[i+1])
	}
	return b
}
