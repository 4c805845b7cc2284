package autodiff

// RedoAll returns o with every tensor that may be computed again being so.
func (o Options) RedoAll() Options {
	o.redoFrom = 1
	return o
}
