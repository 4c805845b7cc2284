package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/pack"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/internal/parts"
)

// setConversion are the flags for converting a data set to shards.
type setConversion struct {
	Shards  int  `placeholder:"N" help:"With --output: how many shards the largest part of the set becomes; the others in proportion."`
	Resize  int  `placeholder:"PX" help:"With --output: resize larger images to this shorter side, as JPEG; 256 for training at 224. Default: the files as they are."`
	Quality int  `default:"95" placeholder:"N" help:"With --resize: the quality of the JPEG files. Default: ${default}."`
	MaxBad  *int `placeholder:"N" help:"With --output: unreadable images of a shard to leave out before giving up. Default: one in a hundred, at least one."`
}

// check reports flags that cannot be followed.
func (c *setConversion) check() error {
	switch {
	case c.Shards < 1:
		return usagef("--shards N: into how many tar shards?")
	case c.Shards > 99999:
		return usagef("--shards %d: at most 99999", c.Shards)
	case c.Resize < 0:
		return usagef("--resize %d: at least 1", c.Resize)
	case c.Quality < 1 || c.Quality > 100:
		return usagef("--quality %d: want 1 to 100", c.Quality)
	}
	return nil
}

// tarShard is a shard to be written.
type tarShard struct {
	name     string
	set      data.Dataset
	from, to int
	job      string // kept in the archive: what it was made of, and how
}

// shards lists the shards of a set, all parts of it.
func (c *setConversion) shards(s *data.Splits, from string) []tarShard {
	largest := 1
	for _, p := range s.Parts() {
		largest = max(largest, p.Set.Len())
	}
	var all []tarShard
	for _, p := range s.Parts() {
		n := p.Set.Len()
		of := max((c.Shards*n+largest-1)/largest, 1)
		job := fmt.Sprintf("mixnet convert: %s, %s of %s, classes %s; short side %d, quality %d",
			p.Name, named(n, p.Set.Name), from, named(len(p.Set.Classes()), func(i int) string { return p.Set.Classes()[i] }), c.Resize, c.Quality)
		for i := range of {
			share := parts.Share{Index: i, Of: of}
			first, last := share.Range(n)
			all = append(all, tarShard{share.Name(p.Name, ".tar"), p.Set, first, last, job})
		}
	}
	return all
}

// convertSet writes a data set as tar shards, or with --shard some of them.
// Those that are there are left.
func (c *convertCmd) convertSet(e *env) error {
	if err := c.setConversion.check(); err != nil {
		return err
	}
	splits, err := e.openData(c.From)
	if err != nil {
		return err
	}
	e.tell(splits)
	all := c.shards(splits, source(c.From))
	if c.Shard != "" {
		s, said, err := parts.Parse(c.Shard, os.Getenv)
		if err != nil {
			return usagef("--shard: %w", err)
		}
		if said != "" {
			e.note("part %d of %d, as %s says\n", s.Index, s.Of, said)
		}
		from, to := s.Range(len(all))
		all = all[from:to]
	}
	if err := os.MkdirAll(c.Output, 0o777); err != nil {
		return err
	}
	total := 0
	for _, s := range all {
		total += s.to - s.from
	}
	bar := e.newProgress("writing shards", "images", int64(total))
	defer bar.done()
	var sum pack.Stats
	done, skipped := 0, 0
	for _, s := range all {
		stats, there, err := c.write(e, s, func(n int) { bar.update(int64(done+n), s.name) })
		if err != nil {
			return err
		}
		done += s.to - s.from
		if there {
			skipped++
		}
		sum.Pictures, sum.Resized, sum.Bad = sum.Pictures+stats.Pictures, sum.Resized+stats.Resized, append(sum.Bad, stats.Bad...)
	}
	bar.done()
	for _, b := range sum.Bad {
		e.warn("left out %s: %v", b.Name, b.Err)
	}
	e.printf("%s: %s written with %s, %d of them resized", c.Output, plural(len(all)-skipped, "shard"), plural(sum.Pictures, "image"), sum.Resized)
	if skipped > 0 {
		e.printf("; %d were there already", skipped)
	}
	e.printf("\n")
	return nil
}

// write writes one shard, unless it is there.
func (c *convertCmd) write(e *env, s tarShard, progress func(int)) (stats pack.Stats, there bool, err error) {
	path := filepath.Join(c.Output, s.name)
	job, err := pack.ReadComment(path)
	switch {
	case err == nil && job == s.job:
		return stats, true, nil
	case err == nil:
		return stats, false, fmt.Errorf("%s is another set's or was written with other settings: take another folder, or remove it", path)
	case !errors.Is(err, fs.ErrNotExist):
		return stats, false, err
	}
	bad := max((s.to-s.from)/100, 1)
	if c.MaxBad != nil {
		bad = max(*c.MaxBad, 0)
	}
	err = atomicfile.Write(path, func(w io.Writer) (err error) {
		stats, err = pack.Write(e.ctx, w, s.set, s.from, s.to, pack.Options{
			Short: c.Resize, Quality: c.Quality, Workers: e.cores(), MaxBad: bad, Comment: s.job, Progress: progress,
		})
		return err
	})
	return stats, false, err
}
