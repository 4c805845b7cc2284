package main

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/supernet"
)

// published is what the table says of a network.
type published struct {
	mean, first float64 // accuracy in per cent: of three runs, and of the first
	macs        float64
}

// readTable reads the networks in canonical form.
func readTable(path string) (map[string]published, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	all := map[string]published{}
	for _, row := range rows[1:] {
		var v [5]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(row[i+1], 64); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
		all[row[0]] = published{mean: (v[0] + v[1] + v[2]) / 3, first: v[0], macs: v[4]}
	}
	return all, nil
}

// The networks that are compared.
const (
	uniform          = 200
	inBand           = 100
	bandFrom, bandTo = 45e6, 60e6
	trained, fits    = 50, 20 // of the ridge regression, and how often it is drawn
	ridge            = 1
	drawSeed         = 1
	samples          = 500 // of the intervals
)

// judge compares scores with published accuracies.
type judge struct {
	scorer *supernet.Scorer
	space  nas.Space
	table  map[string]published
	dir    string
	sets   []set
}

// draw chooses the networks.
func (j *judge) draw() {
	rng := rand.New(rand.NewPCG(drawSeed, 0))
	fill := func(n int, allowed func(published) bool) []nas.Arch {
		var drawn []nas.Arch
		seen := map[string]bool{}
		for len(drawn) < n {
			a := nas.Random(j.space, rng)
			if key := a.String(); !seen[key] && allowed(j.table[key]) {
				seen[key] = true
				drawn = append(drawn, a)
			}
		}
		return drawn
	}
	j.sets = []set{
		{"uniform", fill(uniform, anywhere), anywhere},
		{"band", fill(inBand, withinBand), withinBand},
	}
}

// set is networks that are compared with each other.
type set struct {
	name    string
	archs   []nas.Arch
	allowed func(published) bool
}

func anywhere(published) bool     { return true }
func withinBand(p published) bool { return p.macs >= bandFrom && p.macs <= bandTo }

// score scores all networks, writes the scores and prints how they rank.
func (j *judge) score(ctx context.Context, epoch int) error {
	if _, err := os.Stat(j.results(epoch)); err == nil {
		return nil
	}
	text := commit() + "\n"
	rows := [][]string{{"set", "arch", "macs", "published", "supernet_top1", "supernet_loss"}}
	for _, set := range j.sets {
		var want, top1, loss, macs []float64
		for _, a := range set.archs {
			s, err := j.scorer.Score(ctx, a)
			if err != nil {
				return err
			}
			p := j.table[a.String()]
			want, macs = append(want, p.mean), append(macs, p.macs)
			top1, loss = append(top1, s.Top1), append(loss, -s.Loss)
			rows = append(rows, []string{
				set.name, a.String(), strconv.FormatFloat(p.macs, 'f', -1, 64), strconv.FormatFloat(p.mean, 'f', 4, 64),
				strconv.FormatFloat(s.Top1, 'f', 5, 64), strconv.FormatFloat(s.Loss, 'f', 5, 64),
			})
		}
		agree := nas.Agree(loss, want, samples, drawSeed)
		line := fmt.Sprintf("epoch %d, %d networks, %s: tau of supernet loss %.3f (95 %% interval %.3f to %.3f), of its accuracy %.3f; multiply-adds alone %.3f; ridge on %d trainings of any networks %.3f, of such %.3f\n",
			epoch, len(set.archs), set.name, agree.Tau, agree.Low, agree.High, nas.Kendall(top1, want), nas.Kendall(macs, want), trained, j.ridge(set.archs, anywhere), j.ridge(set.archs, set.allowed))
		fmt.Print(line)
		text += line
	}
	if err := os.WriteFile(strings.TrimSuffix(j.results(epoch), ".csv")+".txt", []byte(text), 0o666); err != nil {
		return err
	}
	return atomicfile.Write(j.results(epoch), func(w io.Writer) error {
		out := csv.NewWriter(w)
		return out.WriteAll(rows)
	})
}

// commit says which commit the program was built from.
func commit() string {
	at := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				at = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				at += ", changed"
			}
		}
	}
	return "commit " + at
}

// ridge returns the mean tau of additive predictions, each fitted to other
// networks trained once.
func (j *judge) ridge(judged []nas.Arch, allowed func(published) bool) float64 {
	sum := 0.0
	for seed := range fits {
		rng := rand.New(rand.NewPCG(drawSeed, uint64(seed)+1))
		h := &nas.History{}
		for len(h.Trials) < trained {
			a := nas.Random(j.space, rng)
			if !allowed(j.table[a.String()]) {
				continue
			}
			h.Add(nas.Trial{Arch: a})
			h.Tell(len(h.Trials)-1, j.table[a.String()].first)
		}
		m := nas.FitAdditive(j.space, h, ridge)
		var got, want []float64
		for _, a := range judged {
			got, want = append(got, m.Predict(a)), append(want, j.table[a.String()].mean)
		}
		sum += nas.Kendall(got, want) / fits
	}
	return sum
}
