// Package cpu chooses which implementation of the kernels runs.
//
// The choice is made once, when the program starts: the best level that both
// this machine and this build have, unless the environment variable
// MIXNET_CPU names another one. A level alone is without the features that not
// every machine of that level has; those that are wanted follow it, as in
// avx512+avx512_vnni+avx512vbmi. Built with the tag purego, only the generic
// level exists.
package cpu

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Level is an instruction set that most kernels are written for. A higher level
// includes the lower ones. What does not grow with the level is a Feature.
type Level uint8

// The levels.
const (
	Generic Level = iota // plain Go, everywhere
	AVX2                 // amd64 AVX2 and FMA
	AVX512               // amd64 AVX-512 F, BW, DQ and VL, and BMI2
)

// EnvVar is the environment variable that overrides the choice.
const EnvVar = "MIXNET_CPU"

var names = [...]string{Generic: "generic", AVX2: "avx2", AVX512: "avx512"}

// String returns the name used in MIXNET_CPU.
func (l Level) String() string {
	if int(l) < len(names) {
		return names[l]
	}
	return fmt.Sprintf("Level(%d)", uint8(l))
}

// ParseLevel is the inverse of String.
func ParseLevel(s string) (Level, error) {
	if i := slices.Index(names[:], s); i >= 0 {
		return Level(i), nil
	}
	return 0, fmt.Errorf("unknown CPU level %q; known: %s", s, strings.Join(names[:], ", "))
}

// available lists the usable levels, lowest first.
var available = detect()

// features are those of the machine, as far as this build can use them.
var features = detectFeatures()

// current, allowed and errEnv are the outcome of choose.
var current, allowed, errEnv = choose(os.Getenv(EnvVar), available, features)

// Current returns the level the kernels run at.
func Current() Level { return current }

// Available returns the levels that this machine and this build can run,
// lowest first. The first is always Generic.
func Available() []Level { return slices.Clone(available) }

// Err tells why the value of MIXNET_CPU was ignored; nil if it was not.
func Err() error { return errEnv }

// choose picks the level and the features that env asks for, or the best level
// and all features.
func choose(env string, available []Level, all Feature) (Level, Feature, error) {
	best := available[len(available)-1]
	if env == "" {
		return best, all, nil
	}
	name, rest, _ := strings.Cut(env, "+")
	l, err := ParseLevel(name)
	if err != nil {
		return best, all, fmt.Errorf("%s: %w; using %s", EnvVar, err, best)
	}
	if !slices.Contains(available, l) {
		return best, all, fmt.Errorf("%s: this machine or build cannot run %s; using %s", EnvVar, l, best)
	}
	f, err := parseFeatures(rest)
	if err != nil {
		return l, 0, fmt.Errorf("%s: %w; using %s without features", EnvVar, err, l)
	}
	if f&^all != 0 {
		return l, f & all, fmt.Errorf("%s: this machine or build cannot use %v; using %s without", EnvVar, f&^all, l)
	}
	return l, f, nil
}

// Set makes l the current level until restore is called. It is for tests and
// benchmarks that compare levels: no kernel may be running meanwhile.
func Set(l Level) (restore func(), err error) {
	if !slices.Contains(available, l) {
		return nil, fmt.Errorf("this machine or build cannot run %s", l)
	}
	old := current
	current = l
	return func() { current = old }, nil
}

// SetFeatures lets only those of a set be used until restore is called. It is
// for tests and benchmarks, like Set.
func SetFeatures(f Feature) (restore func()) {
	old := allowed
	allowed = f
	return func() { allowed = old }
}
