package browsertest

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/mixnet-go/mixnet/serve"
)

// press presses Tab until an element has the focus.
func (b *tab) press(id string) {
	b.Helper()
	for range 30 {
		b.do(chromedp.KeyEvent(kb.Tab))
		if js[string](b, `document.activeElement.id`) == id {
			return
		}
	}
	b.Fatalf("Tab does not reach %s", id)
}

// TestKeyboard chooses a picture, a model and a language without a mouse.
func TestKeyboard(t *testing.T) {
	b := server(t, serve.Options{})
	call(b, page.SetInterceptFileChooserDialog, page.SetInterceptFileChooserDialogParams{Enabled: true})
	chosen := make(chan *page.EventFileChooserOpened, 1)
	if err := chromedp.Listen(b.ctx, func(event any) {
		if e, ok := event.(*page.EventFileChooserOpened); ok {
			chosen <- e
		}
	}); err != nil {
		t.Fatal(err)
	}
	b.press("files")
	if js[string](b, `getComputedStyle(document.querySelector('label[for=files]')).outlineStyle`) == "none" {
		t.Error("the focus is not to be seen")
	}
	b.do(chromedp.KeyEvent(" "))
	e := <-chosen
	call(b, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: []string{write(t, "parrot.jpg", read(t, photos+"parrot.jpg"))}, BackendNodeID: e.BackendNodeID})
	b.done()
	if b.text("#bars") == "" {
		t.Error("no answer")
	}
	js[chromedp.Void](b, `document.activeElement.blur()`)
	b.press("tab-curl")
	b.do(chromedp.KeyEvent(kb.ArrowRight))
	if !strings.Contains(b.text("#code"), "os.Open") || js[string](b, `document.activeElement.id`) != "tab-Go" {
		t.Errorf("code %q", b.text("#code"))
	}
	b.press("copy")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.wait(`['Copied', 'Selected'].includes(document.getElementById('copy').textContent)`)
	b.press("model")
	b.do(chromedp.KeyEvent(kb.ArrowDown))
	b.wait(`document.getElementById('model').value === 'person' && document.getElementById('kind').textContent !== 'Most probable'`)
}

// audit looks for what some people could not use.
func (b *tab) audit(what string) {
	b.Helper()
	found := js[string](b, `axe.run().then(r => JSON.stringify(r.violations.filter(v => ['serious', 'critical'].includes(v.impact)).map(v => [v.id, v.help, v.nodes.map(n => n.html)])))`)
	if found != "[]" {
		var list any
		_ = json.Unmarshal([]byte(found), &list)
		b.Errorf("%s: %v", what, list)
	}
}

// TestAccess runs axe-core on every state of the page, by day and by night.
func TestAccess(t *testing.T) {
	file := os.Getenv("MIXNET_AXE")
	if file == "" {
		t.Skip("MIXNET_AXE names no axe.min.js")
	}
	b := server(t, serve.Options{Browser: os.DirFS(".")}) // the files are not asked for
	b.expected = []string{"400 (Bad Request)"}
	js[chromedp.Void](b, string(read(t, file))+";0")
	for _, scheme := range []string{"light", "dark"} {
		call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		b.audit(scheme + ", nothing")
		b.pick("fashion")
		b.choose(photos + "parrot.jpg")
		b.audit(scheme + ", one picture")
		b.shot(scheme, 1400)
		b.choose(photos+"parrot.jpg", write(t, "bad.jpg", []byte("bad")))
		b.audit(scheme + ", many")
		b.pick("person")
		b.choose(photos + "hot_dog.jpg")
		b.audit(scheme + ", objects")
		b.drop("bad.jpg", []byte("bad"))
		b.audit(scheme + ", an error")
	}
}
