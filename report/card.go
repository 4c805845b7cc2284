package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Card is a model card: what a model is, what it was made from and how good it
// is, in the form of the Hugging Face hub, Markdown with a front matter of
// YAML.
type Card struct {
	Name    string
	Network string
	// BaseModel is what the model was fine-tuned from, and HubModel its name on
	// the hub; "" for nothing.
	BaseModel, HubModel string
	// Data says what it was trained on, Set what it was judged on.
	Data, Set string
	Images    int64 // of Set; 0 where nothing was measured
	// Top1, Top5 and MeanClass are fractions. Top5 counts for more than five
	// classes.
	Top1, Top5, MeanClass float64
	Interval              [2]float64 // of Top1 with 95 % confidence; zero if not known
	Classes               []string
	Input                 string // what an image becomes, in words
	Facts                 []Fact
	// Usage are command lines that try the model.
	Usage []string
	// Caveats are what a user must know of the numbers.
	Caveats []string
}

// WriteMarkdown writes the card.
func (c *Card) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	c.frontMatter(&b)
	fmt.Fprintf(&b, "\n# %s\n\n", oneLine(c.Name))
	fmt.Fprintf(&b, "%s for %d classes, trained on %s.\n", text(c.Network), len(c.Classes), text(c.Data))
	if c.BaseModel != "" {
		fmt.Fprintf(&b, "Fine-tuned from %s.\n", code(c.BaseModel))
	}
	c.result(&b)
	for _, s := range c.Caveats {
		fmt.Fprintf(&b, "\n%s\n", text(s))
	}
	if len(c.Facts) > 0 {
		b.WriteString("\n## Training\n\n| | |\n|---|---|\n")
		for _, f := range c.Facts {
			fmt.Fprintf(&b, "| %s | %s |\n", text(f.Name), text(f.Value))
		}
	}
	if c.Input != "" {
		fmt.Fprintf(&b, "\n## Input\n\n%s\n", text(c.Input))
	}
	b.WriteString("\n## Classes\n\n")
	for i, name := range c.Classes {
		fmt.Fprintf(&b, "%d. %s\n", i, text(name))
	}
	if len(c.Usage) > 0 {
		b.WriteString("\n## Use\n\n```\n" + strings.Join(c.Usage, "\n") + "\n```\n")
	}
	b.WriteString("\n## License\n\nNone is stated: the terms of the images, and of the weights that training began with, may bind the model.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// result writes the accuracy, if it was measured.
func (c *Card) result(b *strings.Builder) {
	b.WriteString("\n## Result\n\n")
	if c.Images == 0 {
		b.WriteString("Not measured: no images were held out.\n")
		return
	}
	fmt.Fprintf(b, "On %s (%d images):\n\n| measure | value |\n|---|--:|\n| top-1 accuracy | %s |\n", text(c.Set), c.Images, c.percentWithInterval())
	if len(c.Classes) > 5 {
		fmt.Fprintf(b, "| top-5 accuracy | %.2f %% |\n", 100*c.Top5)
	}
	fmt.Fprintf(b, "| mean over the classes | %.2f %% |\n", 100*c.MeanClass)
}

func (c *Card) percentWithInterval() string {
	if c.Interval == [2]float64{} {
		return fmt.Sprintf("%.2f %%", 100*c.Top1)
	}
	return fmt.Sprintf("%.2f %% (95 %% confidence: %.2f to %.2f %%)", 100*c.Top1, 100*c.Interval[0], 100*c.Interval[1])
}

// frontMatter writes the part that the hub reads. Texts are quoted as JSON
// does, which YAML reads.
func (c *Card) frontMatter(b *strings.Builder) {
	b.WriteString("---\nlibrary_name: mixnet\npipeline_tag: image-classification\ntags:\n- image-classification\n- mixconv\n- mixnet\n")
	if c.HubModel != "" {
		fmt.Fprintf(b, "base_model: %s\n", quoted(c.HubModel))
	}
	if c.Images == 0 {
		b.WriteString("---\n")
		return
	}
	fmt.Fprintf(b, "metrics:\n- accuracy\nmodel-index:\n- name: %s\n  results:\n  - task:\n      type: image-classification\n      name: Image Classification\n", quoted(c.Name))
	fmt.Fprintf(b, "    dataset:\n      name: %s\n      type: imagefolder\n      split: %s\n    metrics:\n", quoted(c.Data), quoted(c.Set))
	metric := func(kind, name string, v float64) {
		fmt.Fprintf(b, "    - type: %s\n      name: %s\n      value: %s\n", kind, name, strconv.FormatFloat(v, 'f', -1, 64))
	}
	metric("accuracy", "Top-1 accuracy", c.Top1)
	if len(c.Classes) > 5 {
		metric("accuracy", "Top-5 accuracy", c.Top5)
	}
	metric("recall", "Mean recall of the classes", c.MeanClass)
	b.WriteString("---\n")
}

func quoted(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always can be
	return strings.TrimSpace(b.String())
}

// oneLine joins the lines of a text.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// text escapes what Markdown and its tables would take for markup.
func text(s string) string {
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "[", `\[`, "]", `\]`).Replace(oneLine(s))
}

// code writes a text as code, within more backquotes than it has.
func code(s string) string {
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		return fence + " " + oneLine(s) + " " + fence
	}
	return fence + oneLine(s) + fence
}
