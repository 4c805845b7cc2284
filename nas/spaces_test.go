package nas

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/zoo"
)

// All networks of NAS-Bench-Macro have the parameters and multiply-adds that the
// table says, and keys of one network have one canonical form.
func TestMacroTable(t *testing.T) {
	m := readTable(t, "nas-bench-macro.csv.gz")
	s, err := Lookup("nas-bench-macro")
	if err != nil {
		t.Fatal(err)
	}
	if len(m) != 6561 {
		t.Fatalf("%d keys", len(m))
	}
	networks := map[string]string{} // by canonical form
	for key, row := range m {
		a, err := ParseArch(s, key)
		if err != nil {
			t.Fatal(err)
		}
		form := Key(s, a)
		if other, ok := networks[form]; ok {
			if m.mean(arch(other)) != m.mean(a) {
				t.Errorf("%s and %s are one network, of %v and %v", key, other, m[key], m[other])
			}
			continue
		}
		networks[form] = key
		n, err := s.Network(a)
		if err != nil {
			t.Fatal(err)
		}
		c, err := CostOf(n)
		if err != nil {
			t.Fatal(err)
		}
		if float64(c.Params) != row[3] || float64(c.MACs) != row[4] {
			t.Fatalf("%s: %d parameters and %d multiply-adds, want %.0f and %.0f", key, c.Params, c.MACs, row[3], row[4])
		}
		if testing.Short() && len(networks) > 100 {
			return
		}
		if len(networks)%37 == 0 {
			b, err := s.Encode(n)
			if err != nil || b.String() != form {
				t.Fatalf("%s: encoded as %v, %v", form, b, err)
			}
		}
	}
	if len(networks) != 3969 {
		t.Errorf("%d networks, want 3969", len(networks))
	}
}

// Published networks are points of the spaces that they were found in.
func TestPublishedPoints(t *testing.T) {
	for space, networks := range map[string][]string{
		"mixnet":    {"mixnet_s", "mixnet_m"},
		"mnasnet":   {"mnasnet_100", "semnasnet_100"},
		"fbnet":     {"fbnet_a", "fbnet_b", "fbnet_c"},
		"proxyless": {"proxylessnas_mobile"},
	} {
		s, err := Lookup(space)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range networks {
			spec, err := zoo.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			a, err := s.Encode(spec.(zoo.Network))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			n, err := s.Network(a)
			if err != nil {
				t.Fatal(err)
			}
			got, err := CostOf(n)
			if err != nil {
				t.Fatal(err)
			}
			want, err := CostOf(spec)
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
		}
	}
	// MixNet-L is M, wider.
	s, err := Lookup("mixnet")
	if err != nil {
		t.Fatal(err)
	}
	l, err := zoo.Lookup("mixnet_l")
	if err != nil {
		t.Fatal(err)
	}
	m, err := zoo.Lookup("mixnet_m")
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Encode(m.(zoo.Network))
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.Network(a)
	if err != nil {
		t.Fatal(err)
	}
	got, err := CostOf(n.Scaled(1.3, 1, zoo.RoundNearest))
	if err != nil {
		t.Fatal(err)
	}
	if want, err := CostOf(l); err != nil || got != want {
		t.Errorf("MixNet-M at 1.3: %+v, want MixNet-L's %+v, %v", got, want, err)
	}
}

// Every space draws networks that build, encodes them again, and has no two
// canonical forms of one network among neighbors.
func TestSpaces(t *testing.T) {
	for _, name := range Spaces() {
		s, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(7, 7))
		for range 25 {
			a := Random(s, rng)
			n, err := s.Network(a)
			if err != nil {
				t.Fatalf("%s: %v: %v", name, a, err)
			}
			if _, err := CostOf(n); err != nil {
				t.Fatalf("%s: %v: %v", name, a, err)
			}
			b, err := s.Encode(n)
			if err != nil {
				t.Fatalf("%s: %v: %v", name, a, err)
			}
			if Hash(s, a) != Hash(s, b) {
				t.Errorf("%s: %v is encoded as %v", name, a, b)
			}
			if c := Mutate(s, a, rng); c.String() == a.String() || Key(s, c) != c.String() {
				t.Errorf("%s: %v is changed to %v", name, a, c)
			}
		}
	}
	if _, err := Lookup("nothing"); err == nil {
		t.Error("a space of no name")
	}
}

func ExampleLookup() {
	s, err := Lookup("mixnet")
	if err != nil {
		fmt.Println(err)
		return
	}
	spec, err := zoo.Lookup("mixnet_s")
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := s.Encode(spec.(zoo.Network))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(s.Decisions()), "decisions")
	for i, d := range s.Decisions() {
		if d.Name == "stage 5 block 0 kernels" || d.Name == "stage 5 depth" {
			fmt.Printf("%s: %s of %q\n", d.Name, d.Options[a[i]], d.Options)
		}
	}
	// Output:
	// 156 decisions
	// stage 5 depth: 3 of ["2" "3" "4" "5"]
	// stage 5 block 0 kernels: 3,5,7,9,11 of ["3" "3,5" "3,5,7" "3,5,7,9" "3,5,7,9,11"]
}
