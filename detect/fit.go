package detect

// Best returns the largest IoU of a box with any of the anchors: 0.5 or more
// makes the anchor stand for the box in training, less leaves it to the one
// anchor that is best.
func Best(anchors []Anchor, b Box) float32 {
	best := float32(0)
	for _, a := range anchors {
		best = max(best, IoU(a.Box(), b))
	}
	return best
}
