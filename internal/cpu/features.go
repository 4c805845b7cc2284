package cpu

import (
	"fmt"
	"slices"
	"strings"
)

// Feature is an instruction-set extension that not every machine of a level
// has: Skylake-X has AVX-512 without VNNI, Alder Lake VNNI without AVX-512. A
// value may be a set of several.
type Feature uint16

// The features.
const (
	F16C         Feature = 1 << iota // conversion of float16
	AVXVNNI                          // products of bytes summed as int32, in AVX2's registers
	AVX512VNNI                       // the same in AVX-512's
	AVX512VBMI                       // permutations of bytes
	AVX512VBMI2                      // shifts across two elements
	AVX512BF16                       // products of bfloat16 summed as float32
	AMXTile                          // matrices in tile registers, which Linux gives to processes that ask
	AMXInt8                          // products of tiles of bytes
	AMXBF16                          // products of tiles of bfloat16
	AVX512Halves                     // no instructions: AVX-512's vectors pass in halves through units of 256 bits
)

var featureNames = [...]string{"f16c", "avx_vnni", "avx512_vnni", "avx512vbmi", "avx512_vbmi2", "avx512_bf16", "amx_tile", "amx_int8", "amx_bf16", "avx512_halves"}

// needs is the least level that each feature is used at.
var needs = [len(featureNames)]Level{AVX2, AVX2, AVX512, AVX512, AVX512, AVX512, AVX512, AVX512, AVX512, AVX512}

// Features returns the features that kernels may use at the current level.
func Features() Feature {
	var usable Feature
	for i, l := range needs {
		if current >= l {
			usable |= features & allowed & (1 << i)
		}
	}
	return usable
}

// Has reports whether kernels may use all features of a set.
func Has(f Feature) bool { return Features()&f == f }

// Names returns the names of the features of a set, as in /proc/cpuinfo where
// that lists them.
func (f Feature) Names() []string {
	names := []string{}
	for i, name := range featureNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// parseFeatures returns the set of names joined by a plus sign.
func parseFeatures(s string) (f Feature, err error) {
	if s == "" {
		return 0, nil
	}
	for name := range strings.SplitSeq(s, "+") {
		i := slices.Index(featureNames[:], name)
		if i < 0 {
			return 0, fmt.Errorf("unknown CPU feature %q; known: %s", name, strings.Join(featureNames[:], ", "))
		}
		f |= 1 << i
	}
	return f, nil
}

// String returns the names, separated by spaces.
func (f Feature) String() string { return strings.Join(f.Names(), " ") }
