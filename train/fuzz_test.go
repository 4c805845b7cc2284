package train

import (
	"encoding/json"
	"testing"

	"github.com/mixnet-go/mixnet/weights"
)

// Whatever stands in place of a run's state, it is an error or a state that can
// be asked about and written again.
func FuzzState(f *testing.F) {
	file, err := weights.Open("testdata/version1/interrupted/" + LastFile)
	if err != nil {
		f.Fatal(err)
	}
	defer file.Close()
	old := file.Metadata()[keyRun]
	f.Add([]byte(old))
	run, err := parseMeta([]byte(old))
	if err != nil {
		f.Fatal(err)
	}
	run.Extensions = []Extension{{From: 1, Epochs: 2}}
	now, err := json.Marshal(run)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(now)
	f.Add([]byte(`{"version":2,"extensions":[{"from":-5,"epochs":1}],"state":{"history":[{"epoch":1}]}}`))
	f.Add([]byte(`{"version":1,"recipe":{"patience":1,"sizes":[1],"size_order":"progressive"},"state":{"history":[{},{"validated":true}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		run, err := parseMeta(text)
		if err != nil {
			return
		}
		l := run.length()
		l.finished(run.State.History)
		for _, step := range []int{0, run.State.Step, 1 << 30} {
			l.rate(step, 3)
		}
		if _, err := json.Marshal(run.State); err != nil {
			t.Errorf("cannot be written again: %v", err)
		}
	})
}
