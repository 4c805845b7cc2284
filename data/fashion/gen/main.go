// Command gen writes the embedded part of Fashion-MNIST from the full set, as
// Debian's package dataset-fashion-mnist installs it: of each class the first
// pictures, in the original order.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
)

const (
	classes = 10
	pixels  = 28 * 28
)

func main() {
	from := flag.String("from", "/usr/share/datasets/fashion-mnist", "folder of the full set")
	to := flag.String("to", ".", "folder to write to")
	flag.Parse()
	log.SetFlags(0)
	for _, part := range []struct {
		name     string
		perClass int
	}{{"train", 1000}, {"t10k", 200}} {
		if err := subset(*from, *to, part.name, part.perClass); err != nil {
			log.Fatal(err)
		}
	}
}

// subset writes the first perClass pictures of every class.
func subset(from, to, name string, perClass int) error {
	images, labels := name+"-images-idx3-ubyte.gz", name+"-labels-idx1-ubyte.gz"
	x, err := read(filepath.Join(from, images), 16)
	if err != nil {
		return err
	}
	y, err := read(filepath.Join(from, labels), 8)
	if err != nil {
		return err
	}
	if len(x) != len(y)*pixels {
		return fmt.Errorf("%s: %d labels, %d bytes of pictures", name, len(y), len(x))
	}
	var xs, ys []byte
	taken := [classes]int{}
	for i, label := range y {
		if taken[label] < perClass {
			taken[label]++
			xs = append(xs, x[i*pixels:(i+1)*pixels]...)
			ys = append(ys, label)
		}
	}
	n := uint32(len(ys))
	if n != classes*uint32(perClass) {
		return fmt.Errorf("%s: a class has less than %d pictures", name, perClass)
	}
	if err := write(filepath.Join(to, images), header(3, n, 28, 28), xs); err != nil {
		return err
	}
	return write(filepath.Join(to, labels), header(1, n), ys)
}

// header is that of an IDX file of bytes.
func header(dims byte, sizes ...uint32) []byte {
	h := []byte{0, 0, 8, dims}
	for _, s := range sizes {
		h = binary.BigEndian.AppendUint32(h, s)
	}
	return h
}

// read returns what follows the header of a gzipped file.
func read(file string, header int) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	b, err := io.ReadAll(z)
	if err != nil || len(b) < header {
		return nil, fmt.Errorf("%s: %d bytes: %w", file, len(b), err)
	}
	return b[header:], nil
}

func write(file string, parts ...[]byte) error {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if _, err := z.Write(p); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(file, out.Bytes(), 0o644)
}
