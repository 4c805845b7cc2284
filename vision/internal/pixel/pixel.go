// Package pixel holds the inner loops over samples: of the resize's two passes,
// and of a JPEG's inverse DCT, chroma filter and colour conversion. Every loop
// is written twice, in Go and in assembly, with results equal to the bit.
package pixel

//go:generate sh -c "cd _gen && go run . -out ../pixel_amd64.s -stubs ../pixel_stubs_amd64.go -pkg pixel"
