package command

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/train"
)

// namedClasses is how many classes of a model are named in a line.
const namedClasses = 3

// introduceRun says in a line what the weight file of a run is: network,
// classes, input and how good it is; "" if that cannot be read.
func introduceRun(path string) string {
	s, err := model.OpenStored(path, model.Options{})
	if err != nil {
		return ""
	}
	defer s.Close()
	in := s.Preprocess()
	n := len(s.Classes)
	classes := plural(n, "class")
	if n == 0 {
		classes = thousands(int64(s.Graph.Classes())) + " classes"
	} else {
		some := strings.Join(s.Classes[:min(namedClasses, n)], ", ")
		if n > namedClasses {
			some += ", …"
		}
		classes += " (" + oneLine(some) + ")"
	}
	return fmt.Sprintf("%s for %s, %d×%d pixels, %s", s.Network, classes, in.Size[0], in.Size[1], runQuality(filepath.Dir(path)))
}

// runQuality says how good the result of a run is.
func runQuality(dir string) string {
	var r struct {
		evaluate.Report
		AP *float64 `json:"ap"` // of a network that finds objects
	}
	text, err := os.ReadFile(filepath.Join(dir, summaryFile))
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	switch saved, recordErr := train.ReadRecord(dir); {
	case recordErr == nil && !saved.Done:
		return fmt.Sprintf("not finished: %d of %d epochs", len(saved.Epochs), saved.Recipe.Epochs)
	case err != nil:
		return "accuracy not known"
	case r.Images == 0:
		return "accuracy not measured"
	case r.AP != nil:
		return fmt.Sprintf("AP %s on %d %s images", inPercent(*r.AP), r.Images, r.Split)
	}
	return fmt.Sprintf("top-1 %s on %d %s images", inPercent(r.Top1), r.Images, r.Split)
}
