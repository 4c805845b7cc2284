package browsertest

import (
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/serve"
)

// TestBrowser runs networks in the browser, and finds what the library finds:
// the picture is not sent.
func TestBrowser(t *testing.T) {
	dir := t.TempDir()
	c := exec.CommandContext(t.Context(), "go", "run", "./cmd/mixnet-wasm", dir)
	c.Dir = "../.."
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b := server(t, serve.Options{Browser: os.DirFS(dir)})
	js[chromedp.Void](b, `document.getElementById('here').click()`)
	parrot := read(t, photos+"parrot.jpg")
	b.choose(photos + "parrot.jpg")
	inBrowser := b.text("#bars")
	if inBrowser == "" || b.asked("POST") || !strings.Contains(b.text("#whither"), "stay") {
		t.Errorf("%q; status %q; requests %q", inBrowser, b.text("#status"), b.requests)
	}
	b.shot("browser", 1400)

	m, err := classifier(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	want, err := m.LogitsBytes(t.Context(), parrot)
	if err != nil {
		t.Fatal(err)
	}
	js[chromedp.Void](b, `document.getElementById('here').click()`) // on the server
	b.done()
	b.wait(`document.getElementById('times').innerText.includes('Waiting')`)
	if s := b.text("#bars"); s != inBrowser || !b.asked("POST /v1/classify") {
		t.Errorf("%q on the server, %q in the browser", s, inBrowser)
	}
	js[chromedp.Void](b, `(i => { i.onchange = e => { window.picked = e.target.files[0]; }; })(document.getElementById('files'))`)
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#files"), []string{write(t, "parrot.jpg", parrot)}))
	b.wait(`window.picked !== undefined`)
	const inWorker = `(async name => {
		const { look } = await import('/page/browser.js');
		const { models } = await (await fetch('/v1/models')).json();
		return look(window.picked, models.find(m => m.name === name), 0.02);
	})`
	got := js[struct{ Logits []float32 }](b, inWorker+`('fashion')`)
	if len(got.Logits) != len(want) {
		t.Fatalf("logits %v", got.Logits)
	}
	for i, v := range got.Logits {
		if math.Abs(float64(v-want[i])) > 1e-4 {
			t.Errorf("logit %d: %g in the browser, %g here", i, v, want[i])
		}
	}

	d, err := detector()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	found, err := d.DetectBytes(t.Context(), parrot, mixnet.DetectOptions{Score: 0.02})
	if err != nil {
		t.Fatal(err)
	}
	objects := js[mixnet.Found](b, inWorker+`('person')`)
	if len(objects.Objects) != len(found.Objects) || len(found.Objects) == 0 {
		t.Fatalf("%+v in the browser, %+v here", objects, found)
	}
	for i, o := range found.Objects {
		if g := objects.Objects[i]; math.Abs(g.Score-o.Score) > 1e-4 || math.Abs(g.X1-o.X1)+math.Abs(g.Y1-o.Y1)+math.Abs(g.X2-o.X2)+math.Abs(g.Y2-o.Y2) > 0.1 {
			t.Errorf("%+v in the browser, %+v here", g, o)
		}
	}
	bad := js[string](b, `import('/page/browser.js').then(m => m.look(new Blob(['no picture']), { name: 'person', version: '1' }, 0.5)).catch(e => e.message)`)
	if !strings.Contains(bad, "format") {
		t.Errorf("%q", bad)
	}
}
