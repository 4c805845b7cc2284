package detect

// Object is what an image shows.
type Object struct {
	Box  Box
	Slot int // its class, counted from 1
	// Crowd marks a region of many objects. Anchors on it teach nothing.
	Crowd bool
}

// The values of a match that are no object.
const (
	Background = -1
	Ignored    = -2 // counts neither way
)

// Match returns for every anchor the index of the object that it stands for, or
// Background: the object with the highest IoU of at least 0.5, and for every
// object its best anchor whatever its IoU. Where two objects have the same best
// anchor, TensorFlow gives it to the first of them, torchvision to the last.
//
// Anchors that are not matched but lie with at least half of their area in a
// crowd are Ignored.
func Match(anchors []Anchor, objects []Object, style Style, match []int) []int {
	match = match[:0]
	best := make([]int, len(objects)) // anchor
	top := make([]float32, len(objects))
	for i := range best {
		best[i], top[i] = -1, -1
	}
	for i, a := range anchors {
		box := a.Box()
		m, iou := Background, float32(0)
		for j := range objects {
			if objects[j].Crowd {
				continue
			}
			v := IoU(objects[j].Box, box)
			if v > iou {
				m, iou = j, v
			}
			if v > top[j] {
				best[j], top[j] = i, v
			}
		}
		if iou < 0.5 {
			m = Background
			if inCrowd(box, objects) {
				m = Ignored
			}
		}
		match = append(match, m)
	}
	force := func(j int) {
		if best[j] >= 0 {
			match[best[j]] = j
		}
	}
	if style == Torchvision {
		for j := range objects {
			force(j)
		}
		return match
	}
	for j := len(objects) - 1; j >= 0; j-- {
		force(j)
	}
	return match
}

func inCrowd(b Box, objects []Object) bool {
	for i := range objects {
		if objects[i].Crowd && b.Intersect(objects[i].Box).Area() >= b.Area()/2 {
			return true
		}
	}
	return false
}
