package boxes

import (
	"reflect"
	"testing"
)

// What people write into data.yaml is read as PyYAML reads it.
func TestYAML(t *testing.T) {
	for text, want := range map[string][]string{
		"names: [a, b]\n":                                              {"a", "b"},
		"names: ['a, b', \"c: d\", e]  # three\n":                      {"a, b", "c: d", "e"},
		"names:\n- a\n- 'b'\n":                                         {"a", "b"},
		"names:\n  - a # x\n  - b\nnc: 2\n":                            {"a", "b"},
		"names:\n  0: a\n  1: b c\n":                                   {"a", "b c"},
		"names: {0: a, 1: 'b'}\n":                                      {"a", "b"},
		"names:\n  1: b\n  0: a\n":                                     {"a", "b"},
		"names: [a,\n  b,\n  c]\ntrain: x\n":                           {"a", "b", "c"},
		"---\n# c\ntrain: x\nroboflow:\n  names: no\nnames: ['it''s']": {"it's"},
	} {
		y, err := parseYAML(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		got, err := y["names"].numbered()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"names: [a, b\n", "  x: 1\n", "just words\n"} {
		if y, err := parseYAML(text); err == nil {
			t.Errorf("%q: %v", text, y)
		}
	}
	for _, text := range []string{"names: {0: a, 2: b}\n", "names: {x: a}\n", "names: {99999999: a}\n"} {
		y, err := parseYAML(text)
		if err == nil {
			_, err = y["names"].numbered()
		}
		if err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}
