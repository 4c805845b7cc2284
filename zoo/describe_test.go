package zoo

import (
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
)

func TestDescribeEveryOperator(t *testing.T) {
	all, err := testkit.Operators()
	if err != nil {
		t.Fatal(err)
	}
	in := tensor.Shape{N: 1, H: 16, W: 16, C: testkit.OperatorChannels}
	for name, g := range all {
		d, err := Describe(g, in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if macs, err := g.MACs(in); err != nil || d.MACs != macs || d.Params != g.ParamCount() {
			t.Errorf("%s: %d multiply-adds and %d parameters, %v; want %d and %d", name, d.MACs, d.Params, err, macs, g.ParamCount())
		}
	}
	g, err := testkit.Unknown()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Describe(g, in); err == nil || !strings.Contains(err.Error(), "op: operator unknown cannot be described") {
		t.Errorf("an unknown operator: %v", err)
	}
}
