package train

// tree adds up the parts of a batch as wholes, in the order of a binary tree
// over their numbers: neighbours, then pairs of neighbours, and so on. Which
// numbers are added first does not depend on who has them, so the processes of
// a run may add up what they have of it and each other's sums after that.
type tree struct {
	nodes []node
	free  [][]float32 // memory of nodes that are part of others
}

// node is the sum of 1<<level parts, from the one numbered first on.
type node struct {
	first, level int
	sum          []float32
}

// joins reports whether n and the one that follows it are the halves of another.
func (n node) joins(next node) bool {
	return n.level == next.level && n.first+1<<n.level == next.first && n.first%(2<<n.level) == 0
}

// push adds a node that follows those pushed before.
func (t *tree) push(n node) {
	for len(t.nodes) > 0 && t.nodes[len(t.nodes)-1].joins(n) {
		n = t.join(n)
	}
	t.nodes = append(t.nodes, n)
}

// join adds n to the last node, and takes that off.
func (t *tree) join(n node) node {
	last := t.nodes[len(t.nodes)-1]
	t.nodes = t.nodes[:len(t.nodes)-1]
	add(last.sum, n.sum)
	t.free = append(t.free, n.sum)
	last.level++
	return last
}

// total returns the sum of all nodes, until the next push.
func (t *tree) total() []float32 {
	n := t.nodes[len(t.nodes)-1]
	for t.nodes = t.nodes[:len(t.nodes)-1]; len(t.nodes) > 0; {
		n = t.join(n)
	}
	t.free = append(t.free, n.sum)
	return n.sum
}

// room returns memory for n numbers.
func (t *tree) room(n int) []float32 {
	if last := len(t.free) - 1; last >= 0 {
		room := t.free[last]
		t.free = t.free[:last]
		return room
	}
	return make([]float32, n)
}

// reset takes off all nodes.
func (t *tree) reset() {
	for _, n := range t.nodes {
		t.free = append(t.free, n.sum)
	}
	t.nodes = t.nodes[:0]
}

func add(sum, more []float32) {
	for i, v := range more {
		sum[i] += v
	}
}

// roots returns the nodes, without their sums, that the parts [from, to) become.
func roots(from, to int) []node {
	var t tree
	for i := from; i < to; i++ {
		t.push(node{first: i})
	}
	return t.nodes
}
