package detect

import "slices"

// cocoNames are COCO's category names by number from 1; ten are not used.
var cocoNames = []string{
	"person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
	"fire hydrant", "", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep",
	"cow", "elephant", "bear", "zebra", "giraffe", "", "backpack", "umbrella", "", "",
	"handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove",
	"skateboard", "surfboard", "tennis racket", "bottle", "", "wine glass", "cup", "fork", "knife", "spoon",
	"bowl", "banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut",
	"cake", "chair", "couch", "potted plant", "bed", "", "dining table", "", "", "toilet",
	"", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster",
	"sink", "refrigerator", "", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
}

// COCO returns the names of COCO's 80 classes in their order.
func COCO() []string {
	return slices.DeleteFunc(slices.Clone(cocoNames), func(s string) bool { return s == "" })
}

// COCOCategories returns the names of COCO's category numbers 1 to 90, "" where
// a number is not used.
func COCOCategories() []string { return slices.Clone(cocoNames) }
