package parts

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
)

// Errors about the files of parts.
var (
	// ErrForeign says that a part is of another job.
	ErrForeign = errors.New("the part is of another job")
	// ErrParts says that parts are missing, come twice or are cut short.
	ErrParts = errors.New("the parts are not those of one job")
)

// Job is what parts must have in common to be joined: what was done, with what
// and on what, in words and digests.
type Job map[string]string

// Digest returns the beginning of the SHA-256 of texts, for a [Job].
func Digest(texts iter.Seq[string]) string {
	h := sha256.New()
	for t := range texts {
		fmt.Fprintf(h, "%d:%s", len(t), t)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// header is the first line of a part's file. The records follow, a line each.
type header struct {
	Part  int `json:"part"`
	Of    int `json:"of"`
	Count int `json:"records"`
	Job   Job `json:"job"`
}

const (
	kind      = "part"
	extension = ".jsonl"
	maxHeader = 1 << 20
)

// Path returns where a share's file is in a folder.
func Path(dir string, s Share) string { return filepath.Join(dir, s.Name(kind, extension)) }

// Done reports whether a folder holds the share of a job already. It is an
// error if it holds one of another job.
func Done(dir string, s Share, job Job) (bool, error) {
	path := Path(dir, s)
	f, err := open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if f.Part != s.Index || f.Of != s.Of {
		return false, fmt.Errorf("%s: %w: it is part %d of %d", path, ErrForeign, f.Part, f.Of)
	}
	if what := f.Job.differs(job); what != "" {
		return false, fmt.Errorf("%s: %w: %s: take another folder, or remove the file", path, ErrForeign, what)
	}
	return true, nil
}

// differs says in what two jobs differ; "" if in nothing.
func (j Job) differs(other Job) string {
	for _, key := range slices.Sorted(maps.Keys(j)) {
		if j[key] != other[key] {
			return fmt.Sprintf("its %s is %s, not %s", key, j[key], cmp.Or(other[key], "none"))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(other)) {
		if _, ok := j[key]; !ok {
			return fmt.Sprintf("it has no %s, which is %s", key, other[key])
		}
	}
	return ""
}

// Write writes the file of a share: under another name that becomes its own when
// all is written. Each record is one line of JSON.
func Write[T any](dir string, s Share, job Job, records []T) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return atomicfile.Write(Path(dir, s), func(w io.Writer) error {
		b := bufio.NewWriter(w)
		enc := json.NewEncoder(b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(header{s.Index, s.Of, len(records), job}); err != nil {
			return err
		}
		for i := range records {
			if err := enc.Encode(&records[i]); err != nil {
				return err
			}
		}
		return b.Flush()
	})
}

// File is a part's file.
type File struct {
	header
	Path string
}

// open reads the header of a part's file.
func open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, maxHeader)).ReadBytes('\n')
	p := &File{Path: path}
	if err == nil {
		err = json.Unmarshal(line, &p.header)
	}
	if err != nil || p.Job == nil || p.Of < 1 || p.Of > maxParts || p.Part < 0 || p.Part >= p.Of || p.Count < 0 {
		return nil, fmt.Errorf("%s: %w: its first line does not say which part it is", path, ErrForeign)
	}
	return p, nil
}

var partName = regexp.MustCompile(`^part-\d{5,}-of-\d{5,}\.jsonl$`)

// Find opens the parts that files and folders hold, in order. It is an error if
// one is missing, comes twice, or is of another job than the others.
func Find(paths ...string) ([]*File, error) {
	var files []string
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, p)
			continue
		}
		entries, err := os.ReadDir(p)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if partName.MatchString(e.Name()) {
				files = append(files, filepath.Join(p, e.Name()))
			}
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%w: no part-…-of-…%s in %s", ErrParts, extension, strings.Join(paths, ", "))
	}
	all := make([]*File, len(files))
	for i, name := range files {
		var err error
		if all[i], err = open(name); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(all, func(a, b *File) int { return cmp.Compare(a.Part, b.Part) })
	return all, complete(all)
}

// complete reports what keeps sorted parts from being those of one job.
func complete(all []*File) error {
	first := all[0]
	for _, f := range all[1:] {
		if f.Of != first.Of {
			return fmt.Errorf("%w: %s is one of %d, %s of %d", ErrParts, f.Path, f.Of, first.Path, first.Of)
		}
		if what := f.Job.differs(first.Job); what != "" {
			return fmt.Errorf("%s: %w than %s: %s", f.Path, ErrForeign, first.Path, what)
		}
	}
	for i := 1; i < len(all); i++ {
		if all[i].Part == all[i-1].Part {
			return fmt.Errorf("%w: %s and %s are the same part", ErrParts, all[i-1].Path, all[i].Path)
		}
	}
	if len(all) == first.Of {
		return nil
	}
	var missing []string
	next := 0
	for part := range first.Of {
		if next < len(all) && all[next].Part == part {
			next++
			continue
		}
		if missing = append(missing, (Share{part, first.Of}).Name(kind, extension)); len(missing) == 5 {
			break
		}
	}
	return fmt.Errorf("%w: %d of %d are missing: %s", ErrParts, first.Of-len(all), first.Of, strings.Join(missing, ", "))
}

// Records yields the lines of a part, each one record. A line is valid until the
// next. The last error says that the part is cut short.
func (f *File) Records() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		file, err := os.Open(f.Path)
		if err != nil {
			yield(nil, err)
			return
		}
		defer file.Close()
		r := bufio.NewReaderSize(file, 1<<16)
		n := -1 // the header
		for {
			line, err := r.ReadBytes('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				yield(nil, err)
				return
			}
			if err != nil && len(line) == 0 {
				break
			}
			if n++; n > 0 && !yield(line, nil) {
				return
			}
			if !bytes.HasSuffix(line, []byte("\n")) {
				n = -1
				break
			}
		}
		if n != f.Count {
			yield(nil, fmt.Errorf("%s: %w: it does not hold the %d records that its first line says", f.Path, ErrParts, f.Count))
		}
	}
}
