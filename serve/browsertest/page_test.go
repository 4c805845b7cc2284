package browsertest

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/serve"
	"github.com/mixnet-go/mixnet/vision"
)

const photos = "../../pretrained/photo/testdata/"

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// drop drops a file on the page.
func (b *tab) drop(name string, content []byte) {
	b.Helper()
	js[chromedp.Void](b, fmt.Sprintf(`(() => {
		const d = new DataTransfer();
		d.items.add(new File([Uint8Array.from(atob(%q), c => c.charCodeAt(0))], %q));
		document.getElementById('drop').dispatchEvent(new DragEvent('drop', { dataTransfer: d, bubbles: true, cancelable: true }));
	})()`, base64.StdEncoding.EncodeToString(content), name))
	b.done()
}

// TestDrop drops a picture and reads what "mixnet predict" says of it.
func TestDrop(t *testing.T) {
	b := server(t, serve.Options{})
	path, err := filepath.Abs(photos + "parrot.jpg")
	if err != nil {
		t.Fatal(err)
	}
	b.drop("parrot.jpg", read(t, path))
	said := decode[[]struct {
		Predictions []mixnet.Prediction `json:"predictions"`
	}](t, run(t, t.TempDir(), "predict", "--json", "--model", "fashion", "-k", "5", path))
	var want []string
	for _, p := range said[0].Predictions {
		want = append(want, fmt.Sprintf("%s %.1f %%", p.Label, 100*p.Probability))
	}
	if got := js[[]string](b, `[...document.querySelectorAll('#bars .line')].map(l => [...l.children].map(c => c.textContent).join(' '))`); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if s := b.text("#status"); s != strings.Replace(want[0], " ", ", ", 1)+"." && !strings.Contains(want[0], "/") {
		t.Errorf("status %q", s)
	}
	b.wait(`[...document.querySelectorAll('#one img')].every(i => i.complete && i.naturalWidth > 0)`)
	if !js[bool](b, `!document.getElementById('looks').hidden && document.getElementById('map').naturalWidth === 224 && document.getElementById('seen').naturalWidth === 28`) {
		t.Error("no map of where the network looks")
	}
	for _, width := range []int64{1400, 400} {
		b.narrow(width)
		b.shot("one", width)
	}
}

// TestFiles shows many pictures, one of them none, and saves what is in them.
func TestFiles(t *testing.T) {
	b := server(t, serve.Options{})
	b.expected = []string{"400 (Bad Request)"}
	bad := write(t, "=bad,name.png", []byte("no picture"))
	b.choose(photos+"parrot.jpg", bad, photos+"hot_dog.jpg")
	rows := js[[]string](b, `[...document.querySelectorAll('#rows tr')].map(r => r.innerText)`)
	if len(rows) != 3 || !strings.Contains(rows[1], "format") || !strings.Contains(rows[2], "hot_dog.jpg") || b.text("#status") != "1 of 3 pictures could not be read." {
		t.Errorf("rows %q, status %q", rows, b.text("#status"))
	}
	js[chromedp.Void](b, `document.querySelector('#rows button').click()`)
	b.wait(`!document.getElementById('one').hidden`)
	for _, width := range []int64{1400, 400} {
		b.narrow(width)
		b.shot("many", width)
	}

	dir := t.TempDir()
	call(b, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir})
	js[chromedp.Void](b, `document.getElementById('csv').click()`)
	var lines []string
	for range 100 {
		if content, err := os.ReadFile(filepath.Join(dir, "pictures.csv")); err == nil && len(content) > 0 {
			lines = strings.Split(strings.TrimSpace(string(content)), "\r\n")
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if len(lines) != 1+5+1+5 || lines[0] != "picture,rank,class,label,probability,x1,y1,x2,y2,error" || !strings.HasPrefix(lines[1], "parrot.jpg,1,") || !strings.HasPrefix(lines[6], `"'=bad,name.png",,`) {
		t.Errorf("CSV %q", lines)
	}
}

// TestNoPicture says in words what is wrong with a file, and shows the next.
func TestNoPicture(t *testing.T) {
	b := server(t, serve.Options{MaxBodyBytes: 100_000})
	b.expected = []string{"400 (Bad Request)", "413 (Request Entity Too Large)"}
	for content, says := range map[string]string{"no picture": "format", string(read(t, photos+"parrot.jpg")[:2000]): "", strings.Repeat("x", 200_000): "100000 bytes"} {
		b.drop("file.jpg", []byte(content))
		if s := b.text("#status"); s == "" || !strings.Contains(s, says) || !js[bool](b, `document.getElementById('status').classList.contains('bad')`) {
			t.Errorf("status %q", s)
		}
	}
	b.shot("error", 400)
	b.choose(photos + "parrot.jpg")
	if js[bool](b, `document.getElementById('status').classList.contains('bad')`) {
		t.Errorf("status %q", b.text("#status"))
	}
}

// turned returns a JPEG file that says it is stored sideways.
func turned(file []byte, o vision.Orientation) []byte {
	exif := append([]byte("\xff\xe1\x00\x22Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00"), byte(o), 0, 0, 0, 0, 0, 0, 0)
	return slices.Concat(file[:2], exif, file[2:])
}

// TestBoxes draws what a detector finds, at its places in the upright picture.
func TestBoxes(t *testing.T) {
	b := server(t, serve.Options{})
	b.pick("person")
	d, err := detector()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	js[chromedp.Void](b, `(s => { s.min = 0.005; s.step = 0.005; s.value = 0.005; s.dispatchEvent(new Event('input')); })(document.getElementById('score'))`)
	parrot := read(t, photos+"parrot.jpg")
	for o := vision.Upright; o <= 8; o++ {
		file := turned(parrot, o)
		want, err := d.DetectBytes(t.Context(), file, mixnet.DetectOptions{Score: 0.005})
		if err != nil {
			t.Fatal(err)
		}
		b.drop("picture.jpg", file)
		got := js[[][4]float64](b, `[...document.querySelectorAll('#boxes rect:not(.halo)')].map(r => ['x', 'y', 'width', 'height'].map(k => Number(r.getAttribute(k))))`)
		if want.Orientation != o || len(want.Objects) == 0 || len(got) != len(want.Objects) {
			t.Fatalf("orientation %d: %d boxes, want %d turned by %d", o, len(got), len(want.Objects), want.Orientation)
		}
		for i, x := range want.Objects {
			u := o.UprightBox(vision.Box{X0: x.X1, Y0: x.Y1, X1: x.X2, Y1: x.Y2}, want.Width, want.Height)
			for k, v := range []float64{u.X0, u.Y0, u.X1 - u.X0, u.Y1 - u.Y0} {
				if v-got[i][k] > 0.01 || got[i][k]-v > 0.01 {
					t.Errorf("orientation %d, box %d: %v, want %+v", o, i, got[i], u)
				}
			}
		}
	}
	b.wait(`[...document.querySelectorAll('#one img')].every(i => i.complete)`)
	b.drop("picture.jpg", parrot)
	// The boxes lie upon the picture.
	if d := js[[]float64](b, `(() => {
		const img = document.getElementById('whole').getBoundingClientRect(), svg = document.getElementById('boxes');
		const m = svg.getScreenCTM();
		return [m.e - img.left, m.f - img.top, m.a - img.width / document.getElementById('whole').naturalWidth];
	})()`); max(d[0], -d[0], d[1], -d[1]) > 1 || max(d[2], -d[2]) > 0.01 {
		t.Errorf("boxes are off by %v", d)
	}
	for _, width := range []int64{1400, 400} {
		b.narrow(width)
		b.shot("boxes", width)
	}
}

// TestCamera takes a picture with the browser's camera, which shows clocks.
func TestCamera(t *testing.T) {
	b := server(t, serve.Options{}, chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true))
	b.do(chromedp.Click(chromedp.CSS("#camera")))
	b.wait(`document.getElementById('film').open && document.getElementById('video').videoWidth > 0`)
	b.shot("camera", 400)
	b.do(chromedp.Click(chromedp.CSS("#shoot")))
	b.done()
	if js[bool](b, `document.getElementById('film').open || document.getElementById('one').hidden`) || !strings.Contains(b.text("#facts"), "JPEG") {
		t.Errorf("status %q, facts %q", b.text("#status"), b.text("#facts"))
	}
}

// TestToken asks for the token that the server wants.
func TestToken(t *testing.T) {
	b := server(t, serve.Options{Token: "hush"})
	b.expected = []string{"401 (Unauthorized)"}
	b.shot("token", 400)
	for _, token := range []string{"wrong", "hush"} {
		js[chromedp.Void](b, fmt.Sprintf(`document.getElementById('token').value = %q; document.querySelector('#access button').click()`, token))
		if token == "wrong" {
			b.wait(`document.getElementById('status').textContent === 'That is not the token.'`)
		}
	}
	b.wait(`document.getElementById('access').hidden && document.getElementById('model').options.length === 2`)
	b.choose(photos + "parrot.jpg")
	if strings.Contains(b.text("#code"), "hush") || !strings.Contains(b.text("#code"), "TOKEN") || b.text("#bars") == "" {
		t.Errorf("code %q", b.text("#code"))
	}
}
