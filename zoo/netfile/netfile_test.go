package netfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/zoo"
)

// Every table of the zoo can be written as a network file and read back.
func TestTOMLRoundTrip(t *testing.T) {
	for _, s := range zoo.List() {
		n, ok := s.(zoo.Network)
		if !ok {
			continue
		}
		text := Encode(n)
		got, err := Parse(n.Name+".toml", text)
		if err != nil {
			t.Fatalf("%s: %v\n%s", n.Name, err, text)
		}
		n.Paper, n.Weights = nil, nil
		if !reflect.DeepEqual(got, n) {
			t.Errorf("%s reads back as %+v, want %+v", n.Name, got, n)
		}
	}
}

const tomlExample = `# a network for small images
name = "mine"
classes = 10
act = "relu6"
norm = {eps = 1e-5, momentum = 0.1}
input.size = [32, 48]
input.channels = 1

[stem]
out = 16
stride = 1

[[stage]]
kernels = [3, 5, 7]
stride = 2
expand = 6
out = 40
se = 0.5
act = "swish"

[[stage]]
block = "ir_r2_k3.5_a1.1_p1.1_s1_e6_c40_se0.5_nsw"

[[stage]]
kernels = 9
partition = "exponential"
out = 64

[head]
out = 256
`

func TestTOMLExample(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.toml")
	if err := os.WriteFile(path, []byte(tomlExample), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Lookup(path + "@classes=7")
	if err != nil {
		t.Fatal(err)
	}
	g, err := s.Build(zoo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.About().Name; got != "mine@classes=7" || g.Classes() != 7 || g.Channels() != 1 || s.About().Input.Size != [2]int{32, 48} {
		t.Errorf("%s, %d classes, %d channels, input %v", got, g.Classes(), g.Channels(), s.About().Input.Size)
	}
	if n, err := Parse("", Encode(s.(zoo.Network))); err != nil || !reflect.DeepEqual(n, s) {
		t.Errorf("%v: the changed network reads back as %+v", err, n)
	}
	var blocks []string
	for _, b := range g.Blocks {
		blocks = append(blocks, b.Name)
	}
	if got := fmt.Sprint(blocks); got != "[blocks.0.0 blocks.0.1 blocks.0.2 blocks.1.0]" {
		t.Errorf("blocks %s", got)
	}
	var kernels []string
	for _, n := range g.Nodes {
		if op, ok := n.Op.(*graph.MixConv); ok {
			var sizes []int
			for _, group := range op.Groups {
				sizes = append(sizes, group.Kernel)
			}
			kernels = append(kernels, fmt.Sprint(sizes))
		}
	}
	if got := strings.Join(kernels, " "); got != "[3 5 7] [3 5] [3 5] [9]" {
		t.Errorf("kernels %s", got)
	}
}

// The description has every key of network files and no others, and its example
// is one.
func TestVocabulary(t *testing.T) {
	sections := strings.Split(Vocabulary(), "\n## ")[1:]
	var n zoo.Network
	for title, fields := range map[string][]field{
		"The network": networkFields(&n), "`[input]`": inputFields(&n.Input), "`[norm]`": normFields(&n.Norm), "`[squeeze_excite]`": squeezeFields(&n.SE),
		"`[stem]`": stemFields(&n.Stem), "`[[stage]]`": stageFields(new(zoo.Stage)), "`[head]`": headFields(&n.Head),
	} {
		var want, got []string
		for _, f := range fields {
			want = append(want, f.key)
		}
		for _, s := range sections {
			if !strings.HasPrefix(s, title) {
				continue
			}
			for line := range strings.Lines(s) {
				if cell, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " |"); ok && strings.HasPrefix(cell, "`") {
					for key := range strings.SplitSeq(cell, ", ") {
						got = append(got, strings.Trim(key, "`"))
					}
				}
			}
		}
		got = slices.DeleteFunc(got, func(key string) bool { return key == "block" || key == "blocks" })
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s describes %q, want %q", title, got, want)
		}
	}
	example := strings.Split(strings.Split(Vocabulary(), "```toml\n")[1], "```")[0]
	if _, err := Parse("mine.toml", []byte(example)); err != nil {
		t.Error(err)
	}
}

// Mistakes are reported with line and reason, all of them at once. Hostile files
// take no time and no memory.
func TestTOMLMistakes(t *testing.T) {
	change := func(from, to string) string {
		if !strings.Contains(tomlExample, from) {
			t.Fatalf("%q is not in the example", from)
		}
		return strings.Replace(tomlExample, from, to, 1)
	}
	for _, tc := range []struct{ text, want string }{
		{change("stride = 2", "stride = two"), "f.toml:15: "},
		{change("stride = 2", `stride = "two"`), `f.toml:15: stage 1: stride: "two": want a whole number, 1 or more`},
		{change("stride = 2", "strides = 2"), "f.toml:15: stage 1: strides: unknown key; did you mean stride?"},
		{change("stride = 2", "stride = -1"), "f.toml:15: stage 1: stride: -1: want a whole number, 1 or more"},
		{change("stride = 2", "stride = 99"), "f.toml:15: stage 1: stride: 99: want 1 to 8"},
		{change("kernels = [3, 5, 7]", "kernels = [3, 4]"), "f.toml:14: stage 1: kernels: 4: kernel sizes are odd"},
		{change("kernels = [3, 5, 7]", `kernels = ["3"]`), `f.toml:14: stage 1: kernels: "3": want a whole number, 1 or more, as in [3, 5, 7]`},
		{change("expand = 6", "expand = 0.5"), "f.toml:16: stage 1: expand: 0.5: want a ratio"},
		{change("se = 0.5", "se = 1.5"), "f.toml:18: stage 1: se: 1.5: want a ratio of 0 to 1"},
		{change(`act = "swish"`, `act = "swsh"`), "f.toml:19: stage 1: act: unknown activation \"swsh\"; known: identity, relu"},
		{change("_k3.5_", "_k3.6_"), "f.toml:22: stage 2: block: 6: kernel sizes are odd"},
		{change("_k3.5_", "_q7_"), `f.toml:22: stage 2: block: block "ir_r2_q7_a1.1_p1.1_s1_e6_c40_se0.5_nsw": "q7" is not supported`},
		{change("out = 64", "project_groups = 50\nout = 64"), "f.toml:27: stage 3: project_groups: 50: want 1 to 40"},
		{change("out = 16\n", ""), "f.toml:9: stem: out: missing: want 1 to 65536"},
		{change("[head]", "[heads]"), "f.toml:29: heads: unknown key; did you mean head?"},
		{change(`"mine"`, `"a b"`), `f.toml:2: name: "a b": want letters`},
		{change("classes = 10", "classes = -1"), "f.toml:3: classes: -1: want a whole number, 1 or more"},
		{change("input.channels = 1", "input.channels = 7"), "f.toml:7: input: channels: 7 channels: want 3 (RGB) or 1 (grey)"},
		{change("momentum = 0.1", "momentun = 0.1"), "f.toml:5: norm: momentun: unknown key; did you mean momentum?"},
		{"name = \"x\"\nstage = 3", "f.toml:2: stage: want tables"},
		{"name = \"x\"\nstem = 3", "f.toml:2: stem: want a table"},
		{"name = \"x\"\nblocks = [[\"ir_k3\"]]\n", `f.toml:2: blocks: block "ir_k3": r is missing`},
		{"name = \"x\"\nblocks = [\"ir_k3\"]\n", "f.toml:2: blocks: want a list of lists"},
		{"name = \"x\"\nname = \"y\"\n", "f.toml:2: "},
		{change("stride = 2", "stride = 0"), "f.toml:15: stage 1: stride: 0: want a whole number, 1 or more"},
		{change("stride = 2", "stride = true"), "f.toml:15: stage 1: stride: true: want a whole number"},
		{change("stride = 2", "stride.x = 2"), "f.toml:15: stage 1: stride: want a whole number"},
		{change("stride = 2", "\"strides\" = 2"), "f.toml:15: stage 1: strides: unknown key"},
		{change("stride = 2", "# [[stage]]\nstrides = 2"), "f.toml:16: stage 1: strides: unknown key"},
		{change("out = 40", "out = 4000000000"), "f.toml:17: stage 1: out: 4000000000: want a whole number"},
		{change("out = 40", "out = 65537"), "f.toml:17: stage 1: out: 65537: want 1 to 65536"},
		{change("out = 40", "out = 9"+strings.Repeat("9", 30)), "f.toml:17: 9"},
		{change("out = 40", "out = 1e3"), "f.toml:17: stage 1: out: 1000: want a whole number"},
		{change("out = 40", ""), "f.toml:13: stage 1: out: missing"},
		{change("kernels = [3, 5, 7]", "kernels = []"), "f.toml:14: stage 1: kernels: want at least one"},
		{change("kernels = [3, 5, 7]", "kernels = [3, [5]]"), "f.toml:14: stage 1: kernels: want a whole number"},
		{change("kernels = [3, 5, 7]", "kernels = 65"), "f.toml:14: stage 1: kernels: 65: kernel sizes are odd, 1 to 63"},
		{change("kernels = [3, 5, 7]", "kernels = [3,"), "f.toml:15: "},
		{change("kernels = [3, 5, 7]", "kernels = [3"+strings.Repeat(", 3", 1000)+"]"), "f.toml:14: stage 1: kernels: [3 3"},
		{change("expand = 6", "expand = nan"), "f.toml:16: stage 1: expand: NaN: want a ratio"},
		{change("expand = 6", "expand = 6\nchannels = [4, 3, 2]"), "f.toml:17: stage 1: channels: [4 3 2]: their sum is the width of the expansion"},
		{change("expand = 6", "channels = [4, 3]"), "f.toml:16: stage 1: channels: [4 3]: want one number for each of the 3 kernel sizes"},
		{change("expand = 6", "channels = [4, 3, 0]"), "f.toml:16: stage 1: channels: "},
		{change("expand = 6", "channels = [4, 3, 2]\npartition = \"exponential\""), "f.toml:16: stage 1: channels: [4 3 2]: they leave partition exponential nothing"},
		{change("expand = 6", "parallel = 4"), "f.toml:16: stage 1: parallel: 4: kernel sizes are odd"},
		{change("expand = 6", "parallel = 5"), "f.toml:16: stage 1: parallel: 5: want at most 3"},
		{change("expand = 6", "parallel = 3\ndilated = true"), "f.toml:16: stage 1: parallel: 3: a dilated kernel cannot hold it"},
		{change("expand = 6", "expand = 65"), "f.toml:16: stage 1: expand: 65: want a ratio"},
		{change("expand = 6", "expand = \"6\""), `f.toml:16: stage 1: expand: "6": want a number`},
		{change("expand = 6", "repeats = 1000"), "f.toml:16: stage 1: repeats: 1000: want 1 to 256"},
		{change("expand = 6", "shuffle = 1"), "f.toml:16: stage 1: shuffle: 1: want true or false"},
		{change("expand = 6", "partition = \"random\""), `f.toml:16: stage 1: partition: unknown partition "random"; known: equal, exponential`},
		{change("expand = 6", "kind = \"plain\""), "f.toml:14: stage 1: kernels: [3 5 7]: a plain convolution has one kernel size"},
		{change("expand = 6", "next = \"stage 1\""), "f.toml:16: stage 1: next: unknown key; known: block, kind"},
		{change("se = 0.5", "se = -inf"), "f.toml:18: stage 1: se: -Inf: want a ratio of 0 to 1"},
		{change(`act = "swish"`, `act = swish`), "f.toml:19: "},
		{change(`act = "swish"`, `act = ["swish"]`), "f.toml:19: stage 1: act: want a word in quotes"},
		{change("_c40_", "_c0_"), `c: "0": want a whole number, 1 or more`},
		{change("classes = 10", "classes = 2000000"), "f.toml:3: classes: 2000000: want 0 to 1048576"},
		{change("classes = 10", "drop_rate = 1.5"), "f.toml:3: drop_rate: 1.5: want 0 to less than 1"},
		{change("classes = 10", "drop_path = nan"), "f.toml:3: drop_path: NaN: want 0 to less than 1"},
		{change("eps = 1e-5", "eps = -1"), "f.toml:5: norm: eps: -1: want a number above 0, at most 1"},
		{change("eps = 1e-5", "eps = 0"), "f.toml:5: norm: eps: 0: want a number above 0, at most 1"},
		{change("classes = 10", "squeeze_excite = {divisor = 100000}"), "f.toml:3: squeeze_excite: divisor: 100000: want 0 to 65536"},
		{change("[32, 48]", "100000"), "f.toml:6: input: size: size 100000×100000: each side must be"},
		{change("[32, 48]", "[32, 0]"), "f.toml:6: input: size: want a side or [height, width]"},
		{change("input.channels = 1", "input.mean = [0.5, 0.5]"), "f.toml:7: input: mean: 2 means and 3 deviations for 3 channels"},
		{change("input.channels = 1", "input.interpolation = \"cubic\""), `f.toml:7: input: interpolation: interpolation "cubic": want bilinear`},
		{change(`"mine"`, `""`), `f.toml:2: name: "": want letters`},
		{change(`"mine"`, `"../mine"`), `f.toml:2: name: "../mine": want letters`},
		{change("[stem]", "[Stem]"), "f.toml:9: Stem: unknown key; did you mean stem?"},
		{change("[head]", "[stem]"), "f.toml:29: Key 'stem' has already been defined"},
		{"", "f.toml: stem: out: missing"},
		{"a = " + strings.Repeat("{a = ", 1<<16), "f.toml:1: nested deeper than 8"},
		{"\n[a" + strings.Repeat(".a", 1<<16) + "]", "f.toml:2: nested deeper than 8"},
		{"# it's\na = '''\n[[[[[[[[[[[['''\nb = \"\\\"[[[[[[[[[[\"\nc = " + strings.Repeat("[", 1<<16), "f.toml:5: nested deeper than 8"},
		{"\xff", "f.toml:1: "},
		{strings.Repeat("#", maxFile+1), "f.toml: larger than"},
		{"[stem]\nout=65536\n[[stage]]\nout=65536\n", "parameters are more than"},
		{"[stem]\nout=8\n" + strings.Repeat("[[stage]]\nrepeats=256\nout=8\n", 17), "stage 17: repeats: more than 4096 blocks"},
	} {
		_, err := Parse("f.toml", []byte(tc.text))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("got  %v\nwant %s", err, tc.want)
		}
		if file := (*FileError)(nil); err != nil && !errors.As(err, &file) {
			t.Errorf("%v is no FileError", err)
		}
	}

	two := strings.Replace(change("stride = 2", "strides = 2"), "out = 256", "out = 2.5", 1)
	_, err := Parse("f.toml", []byte(two))
	if err == nil || !strings.Contains(err.Error(), "f.toml:15: ") || !strings.Contains(err.Error(), "f.toml:30: head: out: 2.5: want a whole number") {
		t.Errorf("two mistakes: %v", err)
	}
	if _, err := Load("testdata/none.toml"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

// timm's definitions give the networks of the tables.
func TestFromTimm(t *testing.T) {
	for name, definition := range map[string][][]string{
		"mixnet_s": {
			{"ds_r1_k3_s1_e1_c16"},
			{"ir_r1_k3_a1.1_p1.1_s2_e6_c24", "ir_r1_k3_a1.1_p1.1_s1_e3_c24"},
			{"ir_r1_k3.5.7_s2_e6_c40_se0.5_nsw", "ir_r3_k3.5_a1.1_p1.1_s1_e6_c40_se0.5_nsw"},
			{"ir_r1_k3.5.7_p1.1_s2_e6_c80_se0.25_nsw", "ir_r2_k3.5_p1.1_s1_e6_c80_se0.25_nsw"},
			{"ir_r1_k3.5.7_a1.1_p1.1_s1_e6_c120_se0.5_nsw", "ir_r2_k3.5.7.9_a1.1_p1.1_s1_e3_c120_se0.5_nsw"},
			{"ir_r1_k3.5.7.9.11_s2_e6_c200_se0.5_nsw", "ir_r2_k3.5.7.9_p1.1_s1_e6_c200_se0.5_nsw"},
		},
		"mobilenetv1_100": {{"dsa_r1_k3_s1_c64"}, {"dsa_r2_k3_s2_c128"}, {"dsa_r2_k3_s2_c256"}, {"dsa_r6_k3_s2_c512"}, {"dsa_r2_k3_s2_c1024"}},
		"mobilenetv3_large_100": {
			{"ds_r1_k3_s1_e1_c16_nre"},
			{"ir_r1_k3_s2_e4_c24_nre", "ir_r1_k3_s1_e3_c24_nre"},
			{"ir_r3_k5_s2_e3_c40_se0.25_nre"},
			{"ir_r1_k3_s2_e6_c80", "ir_r1_k3_s1_e2.5_c80", "ir_r2_k3_s1_e2.3_c80"},
			{"ir_r2_k3_s1_e6_c112_se0.25"},
			{"ir_r3_k5_s2_e6_c160_se0.25"},
			{"cn_r1_k1_s1_c960"},
		},
		"mnasnet_b1": {
			{"ds_r1_k3_s1_c16_noskip"},
			{"ir_r3_k3_s2_e3_c24"},
			{"ir_r3_k5_s2_e3_c40"},
			{"ir_r3_k5_s2_e6_c80"},
			{"ir_r2_k3_s1_e6_c96"},
			{"ir_r4_k5_s2_e6_c192"},
			{"ir_r1_k3_s1_e6_c320_noskip"},
		},
		"fbnetc_100": {
			{"ir_r1_k3_s1_e1_c16"},
			{"ir_r1_k3_s2_e6_c24", "ir_r2_k3_s1_e1_c24"},
			{"ir_r1_k5_s2_e6_c32", "ir_r1_k5_s1_e3_c32", "ir_r1_k5_s1_e6_c32", "ir_r1_k3_s1_e6_c32"},
			{"ir_r1_k5_s2_e6_c64", "ir_r1_k5_s1_e3_c64", "ir_r2_k5_s1_e6_c64"},
			{"ir_r3_k5_s1_e6_c112", "ir_r1_k5_s1_e3_c112"},
			{"ir_r4_k5_s2_e6_c184"},
			{"ir_r1_k3_s1_e6_c352"},
		},
	} {
		s, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := s.Build(zoo.Options{})
		if err != nil {
			t.Fatal(err)
		}
		n := s.(zoo.Network)
		if n.Stages, err = FromTimm(definition); err != nil {
			t.Fatal(err)
		}
		got, err := n.Build(zoo.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: timm's definition gives another graph", name)
		}
	}
	for _, s := range []string{
		"", "ir", "xx_r1_k3_s1_c8", "ir_r1_k3_s1_c8", "ir_r1_k3_s1_e6", "ir_r1_k3_s1_e6_c8_nmi", "ir_r1_k3_s1_e6_c8_cc4", "ir_r0_k3_s1_e6_c8",
		"ir_r1_r1_k3_s1_e6_c8", "ir_r1_k3_s1_ex_c8", "ir_r1_k3_a3_s1_e6_c8", "cn_r1_k3_s1_c8_skip", "ir_r1_k_s1_e6_c8", "ir_r99999999999999999999_k3_s1_e6_c8",
	} {
		if _, err := ParseTimm(s); err == nil {
			t.Errorf("%q: no error", s)
		}
	}
}

// The tables of the zoo are written as timm's definitions and read back, but
// for what timm has no words for.
func TestTimmRoundTrip(t *testing.T) {
	var not []string
	for _, s := range zoo.List() {
		n, ok := s.(zoo.Network)
		if !ok {
			continue
		}
		definition, err := Timm(n)
		if err != nil {
			not = append(not, err.Error())
			continue
		}
		want, err := n.Build(zoo.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if n.Stages, err = FromTimm(definition); err != nil {
			t.Fatal(err)
		}
		if got, err := n.Build(zoo.Options{}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v: the definition %q gives another graph", n.Name, err, definition)
		}
	}
	want := []string{"network fbnet_a: stage 9: timm has no word for the channel shuffle"}
	for _, name := range []string{"a", "b", "c", "a_plus", "b_plus", "c_plus"} {
		want = append(want, "network atomnas_"+name+": stage 2: timm has no words for the channels of each kernel size")
	}
	if !reflect.DeepEqual(not, want) {
		t.Errorf("not written: %q, want %q", not, want)
	}
}

// filled returns a row with its defaults written out.
func filled(s zoo.Stage) zoo.Stage {
	s.Repeats, s.Stride = max(s.Repeats, 1), max(s.Stride, 1)
	s.ExpandGroups, s.ProjectGroups = max(s.ExpandGroups, 1), max(s.ProjectGroups, 1)
	if len(s.Kernels) == 0 {
		s.Kernels = []int{3}
	}
	return s
}

func FuzzParseTimm(f *testing.F) {
	f.Add("ir_r1_k3.5.7_a1.1_p1.1_s2_e6_c24_se0.5_nsw")
	f.Add("dsa_r1_k3_s1_c16_noskip")
	f.Add("cn_r1_k1_s1_c960_nhs")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseTimm(text)
		if err != nil {
			return
		}
		n := zoo.Network{Info: zoo.Info{Name: "fuzz"}, Stem: zoo.Stem{Out: 8}, Stages: []zoo.Stage{s}}
		if n.Validate() != nil {
			return
		}
		again, err := FormatTimm(s)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		got, err := ParseTimm(again)
		if err != nil || !reflect.DeepEqual(filled(got), filled(s)) {
			t.Fatalf("%q is written as %q: %v", text, again, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	mixnetS, err := zoo.Lookup("mixnet_s")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(tomlExample))
	f.Add(Encode(mixnetS.(zoo.Network)))
	f.Add([]byte("blocks = [[\"ir_r2_k3.5_a1.1_p1.1_s1_e6_c40_se0.5_nsw\"]]\nstem = {out = 8}\n"))
	f.Add([]byte("[[stage]]\nblock = 3\n[[stage]]\nkernels = 3\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := Parse("f.toml", data)
		if err != nil {
			return
		}
		again, err := Parse("f.toml", Encode(n))
		if err != nil || !reflect.DeepEqual(again, n) {
			t.Fatalf("%v: %+v is written as\n%s", err, n, Encode(n))
		}
	})
}

// The level beside a letterbox is written and read, and is a byte.
func TestFill(t *testing.T) {
	n, err := Parse("x", []byte("name = \"x\"\ninput.crop_mode = \"letterbox\"\ninput.fill = 114\n[stem]\nout = 8\n[[stage]]\nout = 8\n"))
	if err != nil || n.Input.Fill != 114 {
		t.Fatalf("fill %d, %v", n.Input.Fill, err)
	}
	again, err := Parse("x", Encode(n))
	if err != nil || !reflect.DeepEqual(again, n) {
		t.Errorf("reads back as %+v, %v", again.Input, err)
	}
	if _, err := Parse("x", []byte("name = \"x\"\ninput.fill = 256\n[stem]\nout = 8\n[[stage]]\nout = 8\n")); err == nil || !strings.Contains(err.Error(), "255") {
		t.Errorf("256: %v", err)
	}
}
