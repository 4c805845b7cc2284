package data

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// CIFAR's pictures are 32×32, three planes after each other.
const (
	cifarSide  = 32
	cifarPlane = cifarSide * cifarSide
)

// cifarKind is one of the two binary versions.
type cifarKind struct {
	kind        string
	classes     int
	labels      int // bytes before the pixels; the last one counts
	train, test []string
	names       []string // files that list the classes
}

var (
	cifar10 = cifarKind{
		kind: "CIFAR-10", classes: 10, labels: 1,
		train: []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
		test:  []string{"test_batch.bin"},
		names: []string{"batches.meta.txt"},
	}
	cifar100 = cifarKind{
		kind: "CIFAR-100", classes: 100, labels: 2,
		train: []string{"train.bin"},
		test:  []string{"test.bin"},
		names: []string{"fine_label_names.txt"},
	}
)

// files lists the files of the pictures.
func (k *cifarKind) files() []string { return slices.Concat(k.train, k.test) }

// OpenCIFAR reads the binary version of CIFAR-10 or CIFAR-100 (fine labels) in
// the top folder of fsys; name names it in messages. Of CIFAR-10's five
// training files, those that are there are read. It returns nil if there are
// no such files.
func OpenCIFAR(fsys fs.FS, name string) (*Splits, error) {
	for _, k := range []cifarKind{cifar10, cifar100} {
		train, err := k.read(fsys, name, k.train)
		if err != nil {
			return nil, err
		}
		test, err := k.read(fsys, name, k.test)
		if err != nil {
			return nil, err
		}
		s := &Splits{Kind: k.kind}
		if train != nil {
			s.Train = train
		}
		if test != nil {
			s.Test = test
		}
		if s.Train != nil || s.Test != nil {
			return s, nil
		}
	}
	return nil, nil
}

// read joins those of the files that exist; it returns nil if none does.
func (k *cifarKind) read(fsys fs.FS, name string, files []string) (*Memory, error) {
	var m *Memory
	for _, file := range files {
		f, err := openFS(fsys, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		raw, err := io.ReadAll(io.LimitReader(f, maxArray))
		f.Close()
		source := path.Join(name, file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
		if m == nil {
			m = &Memory{Source: source, H: cifarSide, W: cifarSide, C: 3, Names: k.classNames(fsys)}
		}
		if err := k.append(m, raw, source); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// append adds the records of one file.
func (k *cifarKind) append(m *Memory, raw []uint8, source string) error {
	record := k.labels + 3*cifarPlane
	if len(raw) == 0 || len(raw)%record != 0 {
		return fmt.Errorf("%s: %w: %d bytes are no whole number of %s records of %d bytes: is the file cut short?",
			source, ErrCorrupt, len(raw), k.kind, record)
	}
	n := len(raw) / record
	m.Pixels = slices.Grow(m.Pixels, n*3*cifarPlane)
	for i := range n {
		r := raw[i*record : (i+1)*record]
		label := int(r[k.labels-1])
		if label >= k.classes {
			return fmt.Errorf("%s: %w: record %d has label %d, %s has %d classes", source, ErrLabel, i, label, k.kind, k.classes)
		}
		m.Labels = append(m.Labels, label)
		red, green, blue := r[k.labels:], r[k.labels+cifarPlane:], r[k.labels+2*cifarPlane:]
		for p := range cifarPlane {
			m.Pixels = append(m.Pixels, red[p], green[p], blue[p])
		}
	}
	return nil
}

// classNames reads the list of classes; without one they are numbers.
func (k *cifarKind) classNames(fsys fs.FS) []string {
	for _, file := range k.names {
		b, err := fs.ReadFile(fsys, file)
		if err != nil {
			continue
		}
		if names := strings.Fields(string(b)); len(names) == k.classes {
			return names
		}
	}
	names := make([]string, k.classes)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}
