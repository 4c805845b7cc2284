package latency

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// Options say how to measure.
type Options struct {
	Machine  string     // a name for the table
	Threads  int        // of one call; 0 means GOMAXPROCS
	Runs     int        // of every network, the fastest of which counts for a block; 0 means 5
	Networks int        // timed as a whole for each of fit, test and band; 0 means 30
	Limits   nas.Limits // of those
	Seed     uint64     // of their choice
	// Progress is told how many networks of how many were run.
	Progress func(done, total int)
}

// Rounds in which whole networks are timed in turns; the median counts.
const rounds = 5

// bandShare is how far multiply-adds may lie from the middle of the band.
const bandShare = 0.03

// Measure times the blocks of a space and some of its networks as a whole. For a
// space of thousands of blocks it takes minutes, in which nothing else should
// run.
func Measure(ctx context.Context, s *nas.TableSpace, o Options) (*Table, error) {
	o.Threads = cmp.Or(o.Threads, runtime.GOMAXPROCS(0))
	o.Runs, o.Networks = cmp.Or(o.Runs, 5), cmp.Or(o.Networks, 30)
	m := &meter{space: s, o: o, table: &Table{
		Space: s.Name(), Machine: o.Machine, Kernels: cpu.Current().String(), Threads: o.Threads, Pieces: map[string]float64{}, BandShare: bandShare,
	}}
	cover := m.cover()
	whole, err := m.choose()
	if err != nil {
		return nil, err
	}
	m.total = len(cover) + rounds*len(whole)
	if err := m.blocks(ctx, cover); err != nil {
		return nil, err
	}
	if err := m.whole(ctx, whole); err != nil {
		return nil, err
	}
	return m.table, nil
}

// meter fills a table.
type meter struct {
	space       *nas.TableSpace
	o           Options
	table       *Table
	done, total int
}

func (m *meter) step() {
	m.done++
	if m.o.Progress != nil {
		m.o.Progress(m.done, m.total)
	}
}

// cover returns networks in which every piece of the space occurs.
func (m *meter) cover() []zoo.Network {
	var all []zoo.Network
	seen := map[string]bool{}
	for a := range m.space.Covering() {
		n, err := m.space.Network(m.space.Canonical(a))
		if err != nil {
			continue // channels that groups do not divide: no network has this block
		}
		fresh := false
		for _, p := range pieces(n) {
			fresh = fresh || !seen[p]
			seen[p] = true
		}
		if fresh {
			all = append(all, n)
		}
	}
	return all
}

// choose draws the networks to time as a whole: those of the fit, of the test
// and of the band.
func (m *meter) choose() ([]nas.Arch, error) {
	costs := nas.NewCosts(m.space)
	rng := rand.New(rand.NewPCG(m.o.Seed, 0x1a7e9c))
	seen := map[string]bool{}
	var macs []int64
	draw := func(all []nas.Arch, within nas.Limits) ([]nas.Arch, error) {
		for want := len(all) + m.o.Networks; len(all) < want; {
			var found nas.Arch
			for range 200000 {
				a := nas.Random(m.space, rng)
				if c, err := costs.Of(a); err == nil && within.Allow(c) && !seen[a.String()] {
					found, macs = a, append(macs, c.MACs)
					break
				}
			}
			if found == nil {
				return nil, fmt.Errorf("the space %s: fewer than %d networks were found within the limits", m.space.Name(), want)
			}
			seen[found.String()] = true
			all = append(all, found)
		}
		return all, nil
	}
	all, err := draw(nil, m.o.Limits)
	if err == nil {
		all, err = draw(all, m.o.Limits)
	}
	if err != nil {
		return nil, err
	}
	slices.Sort(macs)
	middle := float64(macs[len(macs)/2])
	band := m.o.Limits
	band.MinMACs, band.MACs = int64(middle*(1-bandShare)), int64(middle*(1+bandShare))
	if more, err := draw(all, band); err == nil {
		return more, nil
	}
	return all, nil // a small space may have no such band
}

// blocks times the pieces of networks.
func (m *meter) blocks(ctx context.Context, all []zoo.Network) error {
	counts := map[string]int{}
	for _, n := range all {
		names := pieces(n)
		times, err := m.profile(ctx, n, len(names))
		if err != nil {
			return err
		}
		for i, name := range names {
			c := float64(counts[name])
			m.table.Pieces[name] = (m.table.Pieces[name]*c + times[i]) / (c + 1)
			counts[name]++
		}
		m.step()
	}
	return nil
}

// profile returns the seconds of every piece of a network.
func (m *meter) profile(ctx context.Context, n zoo.Network, count int) ([]float64, error) {
	p, x, g, err := m.compile(n)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	profile, err := p.Profile(ctx, x, m.o.Runs)
	if err != nil {
		return nil, err
	}
	times := make([]float64, count)
	at := 0
	for _, s := range profile.Steps {
		for i, b := range g.Blocks {
			if strings.HasPrefix(s.Name, b.Name+".") {
				at = i + 1
			}
		}
		if at == len(g.Blocks) && !strings.HasPrefix(s.Name, g.Blocks[len(g.Blocks)-1].Name+".") {
			at++
		}
		times[at] += s.Time.Seconds()
	}
	return times, nil
}

// compile makes a network ready to run. Its parameters are zeros: how long it
// takes does not depend on them.
func (m *meter) compile(n zoo.Network) (*engine.Program, *tensor.Tensor, *graph.Graph, error) {
	g, err := n.Build(zoo.Options{})
	if err != nil {
		return nil, nil, nil, err
	}
	p, err := engine.Compile(g, graph.NewValues[float32](g), engine.Options{Threads: m.o.Threads, MaxConcurrent: 1})
	if err != nil {
		return nil, nil, nil, err
	}
	in := n.Input.WithDefaults()
	return p, tensor.New[float32](tensor.Shape{N: 1, H: in.Size[0], W: in.Size[1], C: in.Channels}), g, nil
}

// whole times networks in turns and fits the line.
func (m *meter) whole(ctx context.Context, archs []nas.Arch) error {
	times := make([][]float64, len(archs))
	networks := make([]zoo.Network, len(archs))
	for i, a := range archs {
		var err error
		if networks[i], err = m.space.Network(a); err != nil {
			return err
		}
	}
	for range rounds {
		for i, n := range networks {
			seconds, err := m.run(ctx, n)
			if err != nil {
				return err
			}
			times[i] = append(times[i], seconds)
			m.step()
		}
	}
	points := make([]Point, len(archs))
	sums := make([]float64, len(archs))
	for i, n := range networks {
		slices.Sort(times[i])
		cost, err := nas.CostOf(n)
		if err == nil {
			sums[i], err = m.table.sum(n)
		}
		if err != nil {
			return err
		}
		points[i] = Point{Arch: archs[i].String(), MACs: cost.MACs, Measured: times[i][rounds/2]}
	}
	k := m.o.Networks
	t := m.table
	t.Scale, t.Offset = line(sums[:k], points[:k])
	for i := range points {
		points[i].Predicted = t.Scale*sums[i] + t.Offset
	}
	t.Fit, t.Test, t.Band = points[:k:k], points[k:2*k:2*k], points[2*k:]
	return nil
}

// run returns the seconds of the fastest of some calls.
func (m *meter) run(ctx context.Context, n zoo.Network) (float64, error) {
	p, x, g, err := m.compile(n)
	if err != nil {
		return 0, err
	}
	defer p.Close()
	out := tensor.New[float32](tensor.Shape{N: 1, H: 1, W: 1, C: g.Classes()})
	least := time.Duration(0)
	for i := range m.o.Runs + 1 { // the first warms up
		start := time.Now()
		if err := p.Run(ctx, out, x); err != nil {
			return 0, err
		}
		if d := time.Since(start); i > 0 && (least == 0 || d < least) {
			least = d
		}
	}
	return least.Seconds(), nil
}

// line fits measured = scale·x + offset by the least squares of relative errors.
// Where that falls, as times of a busy machine may, the line goes through zero.
func line(x []float64, points []Point) (scale, offset float64) {
	var xx, x1, ones, xy, y float64
	for i, p := range points {
		u, v := x[i]/p.Measured, 1/p.Measured
		xx, x1, ones, xy, y = xx+u*u, x1+u*v, ones+v*v, xy+u, y+v
	}
	det := xx*ones - x1*x1
	if scale = (xy*ones - y*x1) / det; scale > 0 && !math.IsInf(scale, 0) {
		return scale, (y*xx - xy*x1) / det
	}
	return xy / xx, 0
}
