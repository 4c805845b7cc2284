package cpu

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	have := []Level{Generic, AVX2}
	for _, c := range []struct {
		env  string
		want Level
		f    Feature
		ok   bool
	}{
		{"", AVX2, F16C | AVXVNNI, true},
		{"generic", Generic, 0, true},
		{"avx2", AVX2, 0, true},
		{"avx2+avx_vnni", AVX2, AVXVNNI, true},
		{"avx2+avx_vnni+f16c", AVX2, F16C | AVXVNNI, true},
		{"avx2+avx_vnni+amx_tile", AVX2, AVXVNNI, false},
		{"avx2+vnni", AVX2, 0, false},
		{"avx512", AVX2, F16C | AVXVNNI, false},
		{"AVX2", AVX2, F16C | AVXVNNI, false},
		{"sse9", AVX2, F16C | AVXVNNI, false},
	} {
		got, f, err := choose(c.env, have, F16C|AVXVNNI)
		if got != c.want || f != c.f || (err == nil) != c.ok {
			t.Errorf("choose(%q) = %v, %v, %v; want %v, %v, ok=%v", c.env, got, f, err, c.want, c.f, c.ok)
		}
	}
}

func TestLevelNames(t *testing.T) {
	for l := Generic; l <= AVX512; l++ {
		got, err := ParseLevel(l.String())
		if err != nil || got != l {
			t.Errorf("ParseLevel(%q) = %v, %v", l.String(), got, err)
		}
	}
	if s := Level(99).String(); s != "Level(99)" {
		t.Errorf("Level(99).String() = %q", s)
	}
}

func TestSetRestores(t *testing.T) {
	old := Current()
	restore, err := Set(Generic)
	if err != nil {
		t.Fatal(err)
	}
	if Current() != Generic {
		t.Errorf("Current() = %v after Set(Generic)", Current())
	}
	restore()
	if Current() != old {
		t.Errorf("Current() = %v after restore, want %v", Current(), old)
	}
	if _, err := Set(Level(99)); err == nil {
		t.Error("Set(99) succeeded")
	}
}

// flags returns the operating system's list of what the processor has.
func flags(t *testing.T) []string {
	t.Helper()
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Skip("no /proc/cpuinfo to compare with")
	}
	return strings.Fields(string(info))
}

// The features are those that the operating system lists, but for tile
// registers that it does not let this process use, at the levels that they
// belong to.
func TestFeatures(t *testing.T) {
	if runtime.GOARCH == "amd64" && !purego {
		flags := flags(t)
		for i, name := range featureNames {
			if strings.HasPrefix(name, "amx") && features&AMXTile == 0 || Feature(1<<i) == AVX512Halves {
				continue
			}
			if f := Feature(1 << i); (features&f != 0) != slices.Contains(flags, name) {
				t.Errorf("%s: found %v, the system lists it: %v", name, features&f != 0, slices.Contains(flags, name))
			}
		}
	} else if features != 0 {
		t.Errorf("features %v", features)
	}
	for _, l := range Available() {
		restore, err := Set(l)
		if err != nil {
			t.Fatal(err)
		}
		for i, need := range needs {
			if f := Feature(1 << i); Has(f) != (features&allowed&f != 0 && l >= need) {
				t.Errorf("%v at %v: %v", f, l, Has(f))
			}
		}
		none := SetFeatures(0)
		if f := Features(); f != 0 {
			t.Errorf("features %v at %v, none allowed", f, l)
		}
		none()
		restore()
	}
	if s := (F16C | AVX512BF16).String(); s != "f16c avx512_bf16" {
		t.Errorf("names %q", s)
	}
}

// The kernel's own list of features is the witness that the best instruction
// set of the machine is not lost silently.
func TestFlagshipDetected(t *testing.T) {
	want := Generic
	if runtime.GOARCH == "amd64" && !purego {
		flags := flags(t)
		has := func(names ...string) bool {
			for _, n := range names {
				if !slices.Contains(flags, n) {
					return false
				}
			}
			return true
		}
		if has("avx2", "fma") {
			want = AVX2
			if has("avx512f", "avx512bw", "avx512dq", "avx512vl", "bmi2") {
				want = AVX512
			}
		}
	}
	if best := available[len(available)-1]; best != want {
		t.Errorf("best level is %v, the machine and build have %v", best, want)
	}
}
