package command

import (
	"errors"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/data/store"
)

// storeFlags say where shards of object stores are kept.
type storeFlags struct {
	DataCache     string `env:"MIXNET_DATA_CACHE" placeholder:"DIR" help:"Where shards of s3://, gs:// and https:// are kept; processes may share it. Default: shards in the cache that doctor shows."`
	DataCacheSize amount `env:"MIXNET_DATA_CACHE_SIZE" default:"50G" placeholder:"BYTES" help:"What that folder may hold; what was unused the longest goes. Default: ${default}."`
}

// openData opens the set at a path or address, or the built-in one for "". Of
// several tar archives the path is a pattern, such as train-{0000..0127}.tar.
func (e *env) openData(path string) (*data.Splits, error) {
	switch {
	case path == "":
		return data.OpenIDX(fashion.FS(), "fashion-mnist")
	case store.Is(path):
		return e.openStore(path)
	case strings.Contains(path, "{") && !exists(path):
		files, err := store.Expand(path)
		if err != nil {
			return nil, err
		}
		return data.OpenTar(files...)
	}
	return data.Open(path)
}

// openStore opens a set in an object store.
func (e *env) openStore(pattern string) (*data.Splits, error) {
	bar := e.newProgress("reading what is in the shards", "shards", 0)
	defer bar.done()
	s, err := store.Open(e.ctx, store.Options{
		Dir: e.store.DataCache, MaxBytes: int64(e.store.DataCacheSize),
		Progress: func(done, all int) { bar.total = int64(all); bar.update(int64(done), "") },
		Waiting:  func(err error, wait time.Duration) { e.note("%v; trying again in %v\n", err, wait) },
	}, pattern)
	if err != nil {
		if e.ctx.Err() != nil {
			err = e.ctx.Err()
		}
		return nil, err
	}
	return s.Splits, nil
}

// roomAdvice says how a set is read for which there is no room.
func roomAdvice(err error) string {
	switch {
	case errors.Is(err, data.ErrWindow):
		return "a window is set by --set shuffle_shards=N, and room given by --data-cache-size"
	case errors.Is(err, store.ErrFull):
		return "--data-cache and --data-cache-size say where and how much"
	}
	return ""
}

// source names the set at a path.
func source(path string) string {
	if path == "" {
		return "built-in Fashion-MNIST subset"
	}
	return path
}

// tell says how a set was understood where that is not plain, and what of the
// folder is no part of it.
func (e *env) tell(s *data.Splits) {
	for _, n := range s.Notes {
		e.note("note: %s\n", n)
	}
	for _, l := range s.LeftOut {
		e.note("left out: %v\n", oneLine(l.String()))
	}
}

// tellOneClass warns of a set that teaches nothing.
func (e *env) tellOneClass(s *data.Splits) {
	if classes := s.Classes(); len(classes) == 1 {
		e.warn("all images are of one class, %s: there is nothing to tell apart", oneLine(classes[0]))
	}
}
