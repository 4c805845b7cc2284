package train

import (
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
)

// parts are those of a batch that a stepper has computed and not used yet. The
// gradients of the last one are in the stepper's Grads; before another they are
// put by.
type parts struct {
	first   int // number in the batch of this process's first
	count   int
	metrics int       // that the task sums
	moments int       // of batch norm
	records []float64 // one record a part
	tree    tree      // gradients of those before the last
	shared  *exchange // nil for a run of one process
}

// record is what is told of a part besides its gradients.
type record struct {
	about   []float64 // images, and 1 if there are moments
	sums    []float64 // train metrics
	moments []float64 // of batch norm
}

// exchange adds up the gradients of all ranks.
type exchange struct {
	*peers
	roots    [][]node // of every rank's parts
	tree     tree     // of pieces of them
	received [][]float32
}

// newExchange prepares for parts of a batch that ranks share.
func newExchange(p *peers, all int) (*exchange, error) {
	if p == nil {
		return nil, nil
	}
	if all%p.Size() != 0 {
		return nil, fmt.Errorf("train: the recipe computes a batch in %d parts, which %d processes cannot share equally: take %s processes, or as many parts as are a multiple of theirs",
			all, p.Size(), divisors(all))
	}
	e := &exchange{peers: p}
	own := all / p.Size()
	for r := range p.Size() {
		e.roots = append(e.roots, roots(r*own, (r+1)*own))
	}
	return e, nil
}

// divisors lists how many processes can share the parts of a batch.
func divisors(n int) string {
	text := "1"
	for d := 2; d <= n; d++ {
		if n%d == 0 {
			text += fmt.Sprintf(" or %d", d)
		}
	}
	return text
}

// width returns the numbers of a record.
func (p *parts) width() int { return 2 + p.metrics + p.moments }

// next begins another part.
func (p *parts) next() record {
	p.count++
	p.records = append(p.records, make([]float64, p.width())...)
	return p.record(p.records, p.count-1)
}

// record returns the one numbered i of many.
func (p *parts) record(records []float64, i int) record {
	r := records[i*p.width():][:p.width()]
	return record{r[:2], r[2:][:p.metrics], r[2+p.metrics:]}
}

// addTo adds up the train metrics, and returns the images.
func (r record) addTo(sums []float64) int {
	for i, v := range r.sums {
		sums[i] += v
	}
	return int(r.about[0])
}

// putBy keeps the gradients of the last part.
func (p *parts) putBy(grads graph.Values[float32]) {
	n := numbers(grads)
	if p.shared != nil {
		n = (n + p.shared.Size() - 1) / p.shared.Size() * p.shared.Size()
	}
	sum := p.tree.room(n)
	at := 0
	for _, g := range grads {
		at += copy(sum[at:], g)
	}
	p.tree.push(node{first: p.first + p.count - 1, sum: sum})
}

// total makes grads the sum of all parts.
func (p *parts) total(grads graph.Values[float32]) error {
	if p.shared == nil && len(p.tree.nodes) == 0 {
		return nil // there is one part at most, which they hold
	}
	p.putBy(grads)
	var sum []float32
	if p.shared == nil {
		sum = p.tree.total()
	} else {
		var err error
		if sum, err = p.shared.add(&p.tree); err != nil {
			return err
		}
	}
	for _, g := range grads {
		sum = sum[copy(g, sum):]
	}
	return nil
}

// reset forgets the parts.
func (p *parts) reset() {
	p.count, p.records = 0, p.records[:0]
	p.tree.reset()
}

// add returns the sum of all ranks' parts: each adds up a piece of it.
func (e *exchange) add(own *tree) ([]float32, error) {
	most := 0
	for _, r := range e.roots {
		most = max(most, len(r))
	}
	n := len(own.nodes[0].sum)
	for len(e.received) < most {
		e.received = append(e.received, make([]float32, n))
	}
	for i := range most {
		// A rank with fewer nodes sends its last again, which is not looked at.
		if err := e.Exchange(e.received[i], own.nodes[min(i, len(own.nodes)-1)].sum); err != nil {
			return nil, err
		}
	}
	piece := n / e.Size()
	for r, nodes := range e.roots {
		for i, node := range nodes {
			node.sum = e.received[i][r*piece:][:piece]
			e.tree.push(node)
		}
	}
	sum := own.nodes[0].sum
	err := e.GatherFloats(sum, e.tree.total())
	e.tree.free = e.tree.free[:0]
	return sum, err
}

// numbers returns how many numbers values have.
func numbers(values graph.Values[float32]) int {
	n := 0
	for _, v := range values {
		n += len(v)
	}
	return n
}
