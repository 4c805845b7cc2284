// Package atomicfile replaces files as a whole: a reader sees the old content
// or the new, and a crash, a full disk or a kill at any moment leaves the old.
package atomicfile

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// staleAge is how long a temporary file must have been left alone before a
// later write of the same path takes it for the remains of a killed process.
const staleAge = time.Hour

// Write replaces the file at path by what write produces. The bytes go to a
// temporary file in the same directory, which is synced, renamed to path, and
// the directory synced. On any error path is left as it was.
func Write(path string, write func(io.Writer) error) (err error) {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	removeStale(dir, base, staleAge)
	tmp, err := create(dir, base)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(tmp.Name()))
		}
	}()
	err = write(tmp)
	if err == nil {
		err = tmp.Sync()
	}
	if err2 := tmp.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return err
	}
	if err := syncDir(dir); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// WriteBytes replaces the file at path by data.
func WriteBytes(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

func create(dir, base string) (*os.File, error) {
	for {
		name := filepath.Join(dir, fmt.Sprintf("%s%08x", tempPrefix(base), rand.Uint32()))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// maxName is the longest name that file systems take, in bytes.
const maxName = 255

// tempPrefix begins the names of temporary files for base. Eight hexadecimal
// digits follow.
func tempPrefix(base string) string {
	prefix := "." + base + ".tmp-"
	if len(prefix)+8 > maxName {
		h := fnv.New64a()
		_, _ = io.WriteString(h, base) // a hash has no errors
		prefix = fmt.Sprintf(".%016x.tmp-", h.Sum64())
	}
	return prefix
}

// RemoveStale deletes what killed writers of path have left behind, however
// new: for those who know that nobody else writes it.
func RemoveStale(path string) {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	removeStale(dir, base, 0)
}

// removeStale deletes what killed writers of the same path left behind and has
// been left alone for some time. It is housekeeping: failures do not matter.
func removeStale(dir, base string, age time.Duration) {
	prefix := tempPrefix(base)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		name := e.Name()
		if len(name) != len(prefix)+8 || name[:len(prefix)] != prefix {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) >= age {
			_ = os.Remove(filepath.Join(dir, name))
		}
	}
}

// syncDir makes a rename durable. Windows has no such call and needs none.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" || runtime.GOOS == "js" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
