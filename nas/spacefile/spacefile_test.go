package spacefile_test

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/spacefile"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// Every space that comes with the package can be written as a file and read
// back: with the same decisions, and the same network for every architecture.
func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, name := range nas.Spaces() {
		want, err := spacefile.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		text := spacefile.Encode(want.Table)
		got, err := spacefile.Parse(name+".toml", text)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		if !reflect.DeepEqual(got.Decisions(), want.Decisions()) {
			t.Errorf("%s: the decisions differ", name)
		}
		if again := spacefile.Encode(got.Table); string(again) != string(text) {
			t.Errorf("%s: written again it is\n%s\nnot\n%s", name, again, text)
		}
		for range 10 {
			a := nas.Random(want, rng)
			n, err := want.Network(a)
			if err != nil {
				t.Fatal(err)
			}
			m, err := got.Network(a)
			if err != nil {
				t.Fatal(err)
			}
			m.Info.Paper, m.Info.Weights = n.Info.Paper, n.Info.Weights
			if !reflect.DeepEqual(m, n) {
				t.Fatalf("%s: %s is\n%+v\nwant\n%+v", name, a, m, n)
			}
		}
	}
}

const example = `name = "mine"
classes = 10
input = {size = 32}

[stem]
out = [16, 24]
stride = 1

[[stage]]
stride = 2
out = [24, 32]
depth = [1, 2]
kernels = [3, [3, 5]]
expand = [3, 6]

[[stage]]
out = 48
depth = 3
rows = [{name = "k3", kernels = 3, expand = 3}, {name = "k5", kernels = 5, expand = 6}]

[stage.rest]
rows = [{name = "k3", kernels = 3}, {name = "skip", none = true}]
`

func TestExample(t *testing.T) {
	s, err := spacefile.Parse("mine.toml", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range s.Decisions() {
		names = append(names, d.Name+": "+strings.Join(d.Options, " "))
	}
	want := []string{
		"stem width: 16 24", "stage 0 width: 24 32", "stage 0 depth: 1 2",
		"stage 0 block 0 kernels: 3 3,5", "stage 0 block 0 expansion: 3 6", "stage 0 block 1 kernels: 3 3,5", "stage 0 block 1 expansion: 3 6",
		"stage 1 block 0 block: k3 k5", "stage 1 block 1 block: k3 skip", "stage 1 block 2 block: k3 skip",
	}
	if !reflect.DeepEqual(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

// A mistake is told with its line and what was meant.
func TestMistakes(t *testing.T) {
	for _, tc := range []struct{ from, to, want string }{
		{"expand = [3, 6]", "expands = [3, 6]", "mine.toml:14: stage 1: expands: unknown key; did you mean expand?"},
		{"out = [24, 32]", "out = [24, true]", "mine.toml:11: stage 1: out: choice 2: true: want a whole number, 0 or more"},
		{"kernels = [3, [3, 5]]", "kernels = [3, [3, 4]]", "mine.toml:13: stage 1: kernels: "},
		{`{name = "skip", none = true}`, `{name = "skip", nine = true}`, "mine.toml:22: stage 2, rest: rows: nine: unknown key; did you mean none?"},
		{`{name = "skip", none`, `{name = "k3", none`, `mine.toml:22: stage 2, rest: rows: row 2: "k3": want a name that no other row has`},
		{"depth = 3", "depth = 1000", "mine.toml: space mine: stage 1: depth of 1000: want 1 to 64"},
		{"depth = [1, 2]", "depth = []", "mine.toml:12: stage 1: depth: want at least one choice"},
		{`name = "mine"`, `name = "../mine"`, `mine.toml:1: name: "../mine": want letters, digits, _ and -`},
		{"stride = 1", "stride = ", "mine.toml:7: "},
		{"classes = 10", "[[stage", "mine.toml:3: "},
	} {
		_, err := spacefile.Parse("mine.toml", []byte(strings.Replace(example, tc.from, tc.to, 1)))
		if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", tc.to, err, tc.want)
		}
		if !errors.As(err, new(*netfile.FileError)) {
			t.Errorf("%s: %T", tc.to, err)
		}
	}
}

// Whatever the bytes, there is a space or an error.
func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte("[[stage]]\nout = []\nrows = [1]\n"))
	f.Add([]byte("stage = 1\nstem = {out = []}\nhead = 2"))
	f.Add([]byte("[stem]\nout = 8\n[[stage]]\nrest = 1\nrows = [{}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := spacefile.Parse("x.toml", data)
		if (s == nil || len(s.Decisions()) == 0 && len(s.Stages) == 0) == (err == nil) {
			t.Fatal(s, err)
		}
	})
}
