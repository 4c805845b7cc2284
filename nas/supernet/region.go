package supernet

// region is a part of a tensor of up to four dimensions, of which it takes a
// range each: some outputs, inputs, and the middle of the kernel.
type region struct {
	whole    [4]int // the tensor's dimensions
	from, of [4]int // where the part begins, and its dimensions
}

// dims completes a shape to four dimensions.
func dims(shape []int) [4]int {
	d := [4]int{1, 1, 1, 1}
	copy(d[:], shape)
	return d
}

// within reports whether the region is a part of its tensor.
func (r *region) within() bool {
	for i := range r.of {
		if r.from[i] < 0 || r.of[i] < 1 || r.from[i]+r.of[i] > r.whole[i] {
			return false
		}
	}
	return true
}

// each calls f for every run of consecutive values: where it begins in the
// region's own values and in the tensor's, and its length.
func (r *region) each(f func(own, shared, n int)) {
	// The dimensions from full on are taken as a whole.
	full := 4
	for full > 1 && r.of[full-1] == r.whole[full-1] {
		full--
	}
	size := 1
	for _, d := range r.whole[full:] {
		size *= d
	}
	run := r.of[full-1] * size
	own := 0
	var walk func(dim, at int)
	walk = func(dim, at int) {
		if dim == full-1 {
			f(own, (at*r.whole[dim]+r.from[dim])*size, run)
			own += run
			return
		}
		for i := range r.of[dim] {
			walk(dim+1, at*r.whole[dim]+r.from[dim]+i)
		}
	}
	walk(0, 0)
}

// contiguous returns where the region begins if its values follow each other in
// the tensor.
func (r *region) contiguous() (at int, ok bool) {
	runs := 0
	r.each(func(_, shared, _ int) {
		if runs == 0 {
			at = shared
		}
		runs++
	})
	return at, runs == 1
}
