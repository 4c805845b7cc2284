package report

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

func TestCard(t *testing.T) {
	c := Card{
		Name: `signs: "2"`, Network: "mixnet_s", BaseModel: "mixnet_s.ft_in1k", HubModel: "timm/mixnet_s.ft_in1k", Data: "a|b/#x", Set: "held-out images", Images: 411,
		Top1: 0.9611, Top5: 1, MeanClass: 0.9612, Interval: [2]float64{0.9416, 0.9781},
		Classes: []string{"a", "b", "c", "d", "e", "f_g"}, Facts: []Fact{{"epochs", "2"}}, Usage: []string{"mixnet predict IMAGE"},
		Input: "224×224 pixels", Caveats: []string{"few <images>"},
	}
	var b bytes.Buffer
	if err := c.WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	front, body, ok := strings.Cut(strings.TrimPrefix(b.String(), "---\n"), "\n---\n")
	if !ok || !strings.HasPrefix(b.String(), "---\n") {
		t.Fatalf("no front matter:\n%s", b.String())
	}
	values := map[string]string{}
	for line := range strings.Lines(front) {
		key, v, ok := strings.Cut(strings.TrimLeft(strings.TrimSpace(line), "- "), ": ")
		if ok {
			values[key] = v
		}
		if strings.Contains(line, "\t") {
			t.Errorf("a tab in YAML: %q", line)
		}
	}
	for key, want := range map[string]string{"pipeline_tag": "image-classification", "library_name": "mixnet", "split": `"held-out images"`, "base_model": `"timm/mixnet_s.ft_in1k"`} {
		if values[key] != want {
			t.Errorf("%s is %q, want %q", key, values[key], want)
		}
	}
	if !strings.Contains(front, `- name: "signs: \"2\""`) || !strings.Contains(front, "value: 0.9611\n") {
		t.Errorf("front matter:\n%s", front)
	}
	for _, want := range []string{"# signs: \"2\"", "96.11 % (95 % confidence: 94.16 to 97.81 %)", `a\|b/#x`, "`mixnet_s.ft_in1k`", `f\_g`, "few &lt;images>", "mixnet predict IMAGE", "| epochs | 2 |", "top-5"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	// With few classes top-5 says nothing.
	c.Classes = c.Classes[:3]
	b.Reset()
	if err := c.WriteMarkdown(&b); err != nil || strings.Contains(strings.ToLower(b.String()), "top-5") {
		t.Errorf("%v, top-5 of three classes", err)
	}
}

// What was not measured is not claimed.
func TestCardOfNothing(t *testing.T) {
	var b bytes.Buffer
	c := Card{Name: "n", Network: "mixnet_s", Data: "d", Classes: []string{"a"}}
	if err := c.WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	for _, claim := range []string{"accuracy", "model-index", "0.00 %"} {
		if strings.Contains(b.String(), claim) {
			t.Errorf("%q in\n%s", claim, b.String())
		}
	}
	if !strings.Contains(b.String(), "Not measured") || strings.Count(b.String(), "---\n") != 2 {
		t.Errorf("%s", b.String())
	}
}

// Texts of the front matter are read back whatever they hold.
func TestQuoted(t *testing.T) {
	for _, s := range []string{"", "a: b", `"`, "#", "- x", "ä\n", "\u2028", "<&>"} {
		q := quoted(s)
		var back string
		if err := json.Unmarshal([]byte(q), &back); err != nil || back != s || strings.Contains(q, "\n") {
			t.Errorf("%s becomes %s", strconv.Quote(s), q)
		}
	}
}

func TestCode(t *testing.T) {
	for s, want := range map[string]string{"a": "`a`", "a`b": "`` a`b ``", "a\nb": "`a b`"} {
		if got := code(s); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
}
