// Package pack writes labelled pictures as WebDataset shards: tar archives in
// which a picture stands beside its class, for reading from disks and object
// stores in large pieces.
package pack

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/mixnet-go/mixnet/data"
)

// Options say what becomes of the pictures.
type Options struct {
	// Short is the length in pixels of the shorter side that larger pictures are
	// resized to, as JPEG; 0 keeps all files as they are.
	Short int
	// Quality is that of the JPEG files, 1 to 100; 0 means 95.
	Quality int
	// Workers is how many goroutines decode and encode; 0 means GOMAXPROCS. It
	// has no influence on what is written.
	Workers int
	// MaxBad is how many unreadable pictures are left out before the work is
	// given up.
	MaxBad int
	// Comment is kept in the archive; see [ReadComment].
	Comment string
	// Progress, if set, is called with the number of pictures done.
	Progress func(done int)
}

// Stats say what was written.
type Stats struct {
	// Pictures were written, Resized of them anew.
	Pictures, Resized int
	// Bad were left out.
	Bad []data.BadExample
}

// ErrOptions says that options cannot be followed.
var ErrOptions = errors.New("invalid options")

// ahead is how many pictures a worker is given at once.
const ahead = 4

// Write writes the examples [from, to) of d as one shard. The same examples and
// options give the same bytes.
func Write(ctx context.Context, w io.Writer, d data.Dataset, from, to int, o Options) (Stats, error) {
	var s Stats
	if o.Quality == 0 {
		o.Quality = 95
	}
	if o.Short < 0 || o.Quality < 1 || o.Quality > 100 || from < 0 || to > d.Len() || from > to {
		return s, fmt.Errorf("pack: %w: short side %d, quality %d, examples %d to %d of %d", ErrOptions, o.Short, o.Quality, from, to, d.Len())
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	out := tar.NewWriter(w)
	if o.Comment != "" {
		if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": o.Comment}}); err != nil {
			return s, err
		}
	}
	workers := make([]packer, o.Workers)
	made := make([]packed, o.Workers*ahead)
	for at := from; at < to; at += len(made) {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		some := made[:min(len(made), to-at)]
		makeAll(workers, some, d, at, &o)
		for i := range some {
			if err := s.add(out, d, at+i, &some[i], o.MaxBad); err != nil {
				return s, err
			}
		}
		if o.Progress != nil {
			o.Progress(at + len(some) - from)
		}
	}
	return s, out.Close()
}

// makeAll makes the pictures from at on, several at a time.
func makeAll(workers []packer, some []packed, d data.Dataset, at int, o *Options) {
	var all sync.WaitGroup
	for k := range workers {
		all.Go(func() {
			for i := k; i < len(some); i += len(workers) {
				some[i].err = workers[k].pack(&some[i], d, at+i, o)
			}
		})
	}
	all.Wait()
}

// add writes one picture and its class, or counts it as bad.
func (s *Stats) add(out *tar.Writer, d data.Dataset, example int, p *packed, maxBad int) error {
	if p.err != nil {
		if errors.Is(p.err, data.ErrUnavailable) {
			return p.err
		}
		s.Bad = append(s.Bad, data.BadExample{Index: example, Name: d.Name(example), Err: p.err})
		if len(s.Bad) > maxBad {
			return fmt.Errorf("pack: %w: %d, the limit is %d; the last is %s: %w", data.ErrTooManyBad, len(s.Bad), maxBad, d.Name(example), p.err)
		}
		return nil
	}
	label := d.Label(example)
	if classes := d.Classes(); label < 0 || label >= len(classes) {
		return fmt.Errorf("pack: %w: %s has label %d, there are %d classes", data.ErrLabel, d.Name(example), label, len(classes))
	}
	key := fmt.Sprintf("%09d", example)
	class, err := classText(d.Classes()[label])
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name    string
		content []byte
	}{{key + p.extension, p.file}, {key + ".cls", class}} {
		h := tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.content)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := out.WriteHeader(&h); err != nil {
			return err
		}
		if _, err := out.Write(f.content); err != nil {
			return err
		}
	}
	s.Pictures++
	if p.resized {
		s.Resized++
	}
	return nil
}

// classText is a class as a label file holds it: as it is where that cannot be
// taken for anything else, or as JSON.
func classText(name string) ([]byte, error) {
	plain := name != "" && name != "null" && name != "-1"
	for i, r := range name {
		letter := r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		plain = plain && (letter || i > 0 && r == '-')
	}
	if plain {
		return []byte(name), nil
	}
	return json.Marshal(name)
}

// ReadComment returns the comment in an archive; "" if it has none.
func ReadComment(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h, err := tar.NewReader(f).Next()
	if errors.Is(err, io.EOF) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return h.PAXRecords["comment"], nil
}
