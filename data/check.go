package data

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Part is a set of images under a name.
type Part struct {
	Name string
	Set  Dataset
	// Fit says that the weights are trained on them.
	Fit bool
}

// Parts returns the parts of a set, the training part first.
func (s *Splits) Parts() []Part {
	var list []Part
	for p := trainPart; p <= testPart; p++ {
		if d := *s.part(p); d != nil {
			list = append(list, Part{p.String(), d, p == trainPart})
		}
	}
	return list
}

// Parts returns the images of every role, those to fit first.
func (r *Roles) Parts() []Part {
	list := []Part{{r.FitName, r.Fit, true}}
	if r.Choose != nil && !r.Coincide {
		list = append(list, Part{r.ChooseName, r.Choose, false})
	}
	if r.Judge != nil {
		list = append(list, Part{r.JudgeName, r.Judge, false})
	}
	return list
}

// CheckOptions say how [Check] works.
type CheckOptions struct {
	// Decode has every picture decoded: that finds broken files, pictures that
	// are the same though their files are not, and near duplicates. Without,
	// files are compared as they are.
	Decode bool
	// Workers is the number of goroutines; 0 means GOMAXPROCS.
	Workers int
	// Progress is called now and then with the number of images looked at and
	// of all; nil for nothing.
	Progress func(done, total int)
}

// Member is an image of a group of duplicates.
type Member struct {
	Part  string `json:"part"`
	Index int    `json:"index"` // in the part
	Class string `json:"class"`
	Name  string `json:"name"`

	fit bool
}

// Fit reports whether the weights are trained on the image.
func (m Member) Fit() bool { return m.fit }

// Duplicates are images that are the same, or look it.
type Duplicates struct {
	// Exact says that they are the same to the pixel. Otherwise they look the
	// same, and some may be the same.
	Exact   bool     `json:"exact"`
	Members []Member `json:"images"`
}

// Leak reports whether the images are both trained on and used to choose or to
// judge.
func (d *Duplicates) Leak() bool {
	return slices.ContainsFunc(d.Members, func(m Member) bool { return m.fit }) &&
		slices.ContainsFunc(d.Members, func(m Member) bool { return !m.fit })
}

// Parts returns the number of parts that the images are in.
func (d *Duplicates) Parts() int {
	return different(d.Members, func(m Member) string { return m.Part })
}

// Classes returns the number of classes that the images are of.
func (d *Duplicates) Classes() int {
	return different(d.Members, func(m Member) string { return m.Class })
}

func different(members []Member, of func(Member) string) int {
	seen := map[string]bool{}
	for _, m := range members {
		seen[of(m)] = true
	}
	return len(seen)
}

// Broken is an image that cannot be read.
type Broken struct {
	Part  string
	Index int
	Name  string
	Err   error
}

// Report is what [Check] has found.
type Report struct {
	Images     int
	Duplicates []Duplicates // the exact groups, then the near ones
	Broken     []Broken
	// Widths and Heights are those of the images that can be read, in the order
	// of the parts.
	Widths, Heights []int
}

// Leaks returns the groups of exact duplicates that [Duplicates.Leak].
func (r *Report) Leaks() []Duplicates {
	var list []Duplicates
	for _, d := range r.Duplicates {
		if d.Exact && d.Leak() {
			list = append(list, d)
		}
	}
	return list
}

// Check looks at every image of the parts: which cannot be read, which are the
// same and which look the same, within a part and across parts. It keeps some
// 250 bytes of each and stops when ctx is done.
func Check(ctx context.Context, parts []Part, o CheckOptions) (*Report, error) {
	c := &checker{parts: parts, o: o}
	for _, p := range parts {
		c.starts = append(c.starts, c.total)
		c.total += p.Set.Len()
	}
	if int64(c.total) > 1<<31-1 {
		return nil, fmt.Errorf("check: %d images are too many", c.total)
	}
	c.prints = make([]fingerprint, c.total)
	if err := c.read(ctx); err != nil {
		return nil, err
	}
	return c.report(ctx)
}

// checker is a check under way. Images are numbered through all parts.
type checker struct {
	parts  []Part
	starts []int // of the parts
	total  int
	o      CheckOptions
	prints []fingerprint

	mu     sync.Mutex
	broken []int
	errs   map[int]error
	done   int
}

// at returns the part of an image and its index there.
func (c *checker) at(i int) (*Part, int) {
	p := len(c.starts) - 1
	for c.starts[p] > i {
		p--
	}
	return &c.parts[p], i - c.starts[p]
}

// read takes the fingerprints of all images.
func (c *checker) read(ctx context.Context) error {
	workers := c.o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	c.errs = map[int]error{}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(workers, max(c.total, 1)) {
		wg.Go(func() {
			f := fingerprinter{decode: c.o.Decode}
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= c.total {
					return
				}
				part, at := c.at(i)
				p, err := f.of(part.Set, at)
				c.prints[i] = p
				c.finish(i, err)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// finish counts an image and reports progress.
func (c *checker) finish(i int, err error) {
	const every = 64
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.broken = append(c.broken, i)
		c.errs[i] = err
	}
	if c.done++; c.o.Progress != nil && (c.done%every == 0 || c.done == c.total) {
		c.o.Progress(c.done, c.total)
	}
}

// report groups the images.
func (c *checker) report(ctx context.Context) (*Report, error) {
	r := &Report{Images: c.total}
	slices.Sort(c.broken)
	for _, i := range c.broken {
		part, at := c.at(i)
		r.Broken = append(r.Broken, Broken{part.Name, at, part.Set.Name(at), c.errs[i]})
	}
	for i := range c.prints {
		if p := &c.prints[i]; p.w > 0 {
			r.Widths, r.Heights = append(r.Widths, int(p.w)), append(r.Heights, int(p.h))
		}
	}
	u := newUnions(c.total)
	c.joinExact(u)
	r.Duplicates = c.groups(u, true, nil)
	if !c.o.Decode {
		return r, nil
	}
	exact := slices.Clone(u)
	if err := joinNear(ctx, c.prints, u); err != nil {
		return nil, err
	}
	r.Duplicates = append(r.Duplicates, c.groups(u, false, exact)...)
	return r, nil
}

// joinExact joins the images of the same file or of the same pixels. Those that
// cannot be read are no images.
func (c *checker) joinExact(u unions) {
	content, pixels := map[digest]int32{}, map[digest]int32{}
	join := func(seen map[digest]int32, d digest, i int32) {
		if first, ok := seen[d]; ok {
			u.join(first, i)
		} else {
			seen[d] = i
		}
	}
	for i := range c.prints {
		p := &c.prints[i]
		if c.errs[i] != nil {
			continue
		}
		if p.content != (digest{}) {
			join(content, p.content, int32(i))
		}
		if p.decoded {
			join(pixels, p.pixels, int32(i))
		}
	}
}

// groups lists the groups of more than one image; with those of exact given,
// only groups that are not made of one of them.
func (c *checker) groups(u unions, isExact bool, exact unions) []Duplicates {
	count := make([]int32, c.total)
	mixed := make([]bool, c.total) // of several exact groups
	for i := range int32(c.total) {
		root := u.find(i)
		count[root]++
		mixed[root] = mixed[root] || exact != nil && exact.find(i) != exact.find(root)
	}
	members := map[int32][]int{}
	for i := range int32(c.total) {
		if root := u.find(i); count[root] > 1 && (exact == nil || mixed[root]) {
			members[root] = append(members[root], int(i))
		}
	}
	var list []Duplicates
	roots := slices.Sorted(maps.Keys(members))
	for _, root := range roots {
		d := Duplicates{Exact: isExact}
		for _, i := range members[root] {
			part, at := c.at(i)
			d.Members = append(d.Members, Member{part.Name, at, part.Set.Classes()[part.Set.Label(at)], part.Set.Name(at), part.Fit})
		}
		list = append(list, d)
	}
	return list
}
