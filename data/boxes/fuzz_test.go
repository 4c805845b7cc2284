package boxes

import (
	"testing"
)

// openAny opens labels with two pictures beside them. Whatever they hold, what
// is kept is in order.
func openAny(t *testing.T, name, text string) {
	s, err := Open(t.Context(), write(t, map[string]string{"a.png": pngOf(100, 80), "b.png": pngOf(60, 40), name: text}), Options{Workers: 1})
	if err != nil {
		return
	}
	for _, p := range s.Pictures {
		for _, o := range p.Objects {
			b := o.Box
			if !(b.X0 >= 0 && b.Y0 >= 0 && b.X0 < b.X1 && b.Y0 < b.Y1 && b.X1 <= float64(p.W) && b.Y1 <= float64(p.H)) || o.Class < 0 || o.Class >= len(s.Classes) {
				t.Fatalf("%+v of %d×%d and %d classes", o, p.W, p.H, len(s.Classes))
			}
		}
	}
}

func FuzzCOCO(f *testing.F) {
	f.Add(cocoText)
	f.Add(`{"images":[{"id":0,"file_name":"a.png"}],"categories":[{"id":0,"name":""}],"annotations":[{"image_id":0,"category_id":0,"bbox":[NaN,-Infinity,1e308,1e308]}]}`)
	f.Fuzz(func(t *testing.T, text string) { openAny(t, "x.json", text) })
}

func FuzzVOC(f *testing.F) {
	f.Add(voc("a.png", 100, 80, "cat 1 2 3 4", "dog 5 nan 7 8"))
	f.Add("<annotation><object><part><bndbox/></part></object><size/></annotation>")
	f.Fuzz(func(t *testing.T, text string) { openAny(t, "a.xml", text) })
}

func FuzzYOLO(f *testing.F) {
	f.Add("0 .5 .5 .1 .1\n1 .1 .1 .9 .1 .9 .9\n7 0 0 0 0 0\n")
	f.Add("99999999999 1 2 3 4\n\n0 nan inf -1 0x1p4\n")
	f.Fuzz(func(t *testing.T, text string) { openAny(t, "a.txt", text) })
}

func FuzzYAML(f *testing.F) {
	f.Add("names: [a, 'b, c']\nnc: 2\ntrain: images # here\n")
	f.Add("path: .\nnames:\n  0: a\n  1: b\nval:\n- x\n- y\ndownload: |\n  z: {\n")
	f.Add("names: {0: a,\n 1: b}\n")
	f.Fuzz(func(t *testing.T, text string) { openAny(t, "data.yaml", text) })
}

func FuzzBoxCSV(f *testing.F) {
	f.Add("filename,width,height,class,xmin,ymin,xmax,ymax\na.png,100,80,cat,1,2,3,4\n")
	f.Add("a.png,1,2,3,4,cat\nb.png,,,,,\n\"b.png\",NaN,1e999,-1,0,\"x\n")
	f.Add("ImageID;LabelName;XMin;XMax;YMin;YMax;IsGroupOf\na;/m/1;0.1;0.9;0.2;0.8;1\n")
	f.Fuzz(func(t *testing.T, text string) { openAny(t, "x.csv", text) })
}
