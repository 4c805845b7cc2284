package experiment

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/zoo"
)

// The blocks of every network sum up to what is counted of it whole, the kernels
// of MixNet-S are those of the paper's figure 8, and a network of one's own is
// drawn and compared like those.
func TestArchitectures(t *testing.T) {
	x, err := Lookup("architectures")
	if err != nil {
		t.Fatal(err)
	}
	preset, err := x.Preset("quick")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := zoo.Lookup("mobilenetv2_100@kernel=5")
	if err != nil {
		t.Fatal(err)
	}
	own := spec.(zoo.Network)
	own.Name, own.Title = "mine", "Mine"
	plan, err := New(x, preset, nil, Options{Own: []zoo.Network{own}})
	if err != nil {
		t.Fatal(err)
	}
	if plan.Trials() != 0 {
		t.Errorf("%d trials", plan.Trials())
	}
	var table bytes.Buffer
	if err := WriteCSV(&table, plan, nil); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	params, macs, kernels := map[string]int64{}, map[string]int64{}, map[string]string{}
	for _, r := range rows[1:] {
		p, err := strconv.ParseInt(r[12], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		m, err := strconv.ParseInt(r[13], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		params[r[0]] += p
		macs[r[0]] += m
		if r[2] != "" {
			kernels[r[0]] += r[2] + " "
		}
	}
	for _, a := range plan.Arms {
		if params[a.Series] != a.Params || macs[a.Series] != a.MACs {
			t.Errorf("%s: blocks of %d parameters and %d multiply-adds, the network has %d and %d", a.Series, params[a.Series], macs[a.Series], a.Params, a.MACs)
		}
	}
	if want := "3 3 3 3+5+7 3+5 3+5 3+5 3+5+7 3+5 3+5 3+5+7 3+5+7+9 3+5+7+9 3+5+7+9+11 3+5+7+9 3+5+7+9 "; kernels["mixnet_s"] != want {
		t.Errorf("MixNet-S has kernels %s, want %s", kernels["mixnet_s"], want)
	}
	page, err := (&Record{Plan: plan, Date: "2026-11-30", Version: "v1"}).Page(nil)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := page.WriteMarkdown(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"The mean kernel is 3.88 in the first half of the layers and 5.50 in the last: larger in the last half",
		"**Mine.** The mean kernel is 5.00 in the first half of the layers and 5.00 in the last: not larger", "architectures-mine.svg", "architectures-mixnet_m.svg",
		"| Mine | 3,619,048 | 337.6\u00a0M | 17 | 5.00 | 5.00 | 100\u00a0% | 100\u00a0% | 0\u00a0% | 0\u00a0% |",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, text.String())
		}
	}
}
