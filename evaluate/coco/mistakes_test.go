package coco

import "testing"

// Every box has one outcome, and images with more mistakes come first.
func TestMistakes(t *testing.T) {
	s := &Set{
		Images:     []Image{{ID: 1}, {ID: 2}, {ID: 3}},
		Categories: []Category{{1, "cat"}, {2, "dog"}},
		Truths: []Truth{
			{ID: 1, Image: 1, Category: 1, Box: Box{0, 0, 10, 10}, Area: 100},
			{ID: 2, Image: 2, Category: 1, Box: Box{0, 0, 10, 10}, Area: 100},
			{ID: 3, Image: 2, Category: 1, Box: Box{50, 50, 10, 10}, Area: 100},
			{ID: 4, Image: 2, Category: 2, Box: Box{80, 80, 10, 10}, Area: 100},
			{ID: 5, Image: 3, Category: 2, Box: Box{0, 0, 100, 100}, Area: 10000, Crowd: true},
		},
	}
	found := []Detection{
		{1, 1, Box{0, 0, 10, 9}, 0.9},    // found
		{1, 1, Box{0, 0, 10, 10}, 0.3},   // not sure enough
		{2, 1, Box{6, 0, 10, 10}, 0.8},   // placed badly: an overlap of a quarter
		{2, 1, Box{50, 50, 10, 10}, 0.8}, // found
		{2, 2, Box{0, 0, 10, 10}, 0.7},   // of another class
		{3, 2, Box{10, 10, 10, 10}, 0.7}, // in a crowd
	}
	all, err := s.Mistakes(found, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	if all[0].ID != 2 || all[0].Missed != 1 || all[0].False != 1 || all[0].Placed != 1 || len(all[0].Boxes) != 4 {
		t.Errorf("image 2: %+v", all[0])
	}
	for _, m := range all[1:] {
		if m.Errors() != 0 || len(m.Boxes) != 1 || m.Boxes[0].Outcome != Found {
			t.Errorf("image %d: %+v", m.ID, m)
		}
	}
	if _, err := s.Mistakes([]Detection{{Image: 9, Category: 1, Score: 1}}, 0.5); err == nil {
		t.Error("an unknown image was taken")
	}
}
