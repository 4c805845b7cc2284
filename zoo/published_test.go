package zoo

import "testing"

// What weights reach is known of all that are published, and of no others.
func TestMeasured(t *testing.T) {
	tags := 0
	for _, s := range List() {
		info := s.About()
		for _, w := range info.Weights {
			tags++
			top1, top5, ok := Measured(info.Name + "." + w.Tag)
			if !ok || top1 < 0.5 || top1 >= top5 || top5 >= 1 {
				t.Errorf("%s.%s: top-1 %g, top-5 %g, %v", info.Name, w.Tag, top1, top5, ok)
			}
		}
	}
	if tags != len(measured) {
		t.Errorf("%d weights are published, and %d are measured", tags, len(measured))
	}
	// The MixNet paper has 75.8 for its own training.
	if top1, _, _ := Measured("tf_mixnet_s.in1k"); top1 < 0.75 || top1 > 0.765 {
		t.Errorf("tf_mixnet_s.in1k: %g", top1)
	}
}
