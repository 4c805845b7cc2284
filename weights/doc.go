// Package weights reads and writes the files that hold a network's parameters
// and puts them onto a graph.
//
// Open tells the format from the content: safetensors, PyTorch's .pth in its
// zip and its older form, and NumPy's .npy and .npz. Nothing in a file is ever
// executed, and opening or reading one takes memory in proportion to its size,
// whatever it declares. Load matches a file to a network by parameter names;
// Save writes one with all that is needed to use it again.
package weights
