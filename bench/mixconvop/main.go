// Command mixconvop times the depthwise MixConv kernels alone, on one thread.
// It speaks the protocol of bench/worker.py on standard input and output;
// bench/mixconv.py starts it.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"time"

	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// spec is a case: one image of Size×Size pixels, symmetric padding, and files
// of raw little-endian float32 in PyTorch's layout.
type spec struct {
	Channels int    `json:"channels"`
	Size     int    `json:"size"`
	Stride   int    `json:"stride"`
	Kernels  []int  `json:"kernels"`
	Input    string `json:"input"`   // Channels×Size×Size
	Weights  string `json:"weights"` // the groups' filters, one after the other
}

// group is the part of the channels that has one kernel size.
type group struct {
	first  int
	shape  kernel.DW
	filter *kernel.DWFilter
}

// mixConv is a case set up to run.
type mixConv struct {
	groups   []group
	out      int // output pixels a side
	channels int
	src, dst []float32 // NHWC
}

func newMixConv(s spec) (*mixConv, error) {
	input, err := readFloats(s.Input, s.Channels*s.Size*s.Size)
	if err != nil {
		return nil, err
	}
	weights, err := readFloats(s.Weights, -1)
	if err != nil {
		return nil, err
	}
	out := (s.Size + s.Stride - 1) / s.Stride
	m := &mixConv{out: out, channels: s.Channels, src: make([]float32, len(input)), dst: make([]float32, out*out*s.Channels)}
	for c := range s.Channels {
		for p := range s.Size * s.Size {
			m.src[p*s.Channels+c] = input[c*s.Size*s.Size+p]
		}
	}
	first := 0
	for i, k := range s.Kernels {
		width := s.Channels / len(s.Kernels)
		if i == 0 {
			width += s.Channels % len(s.Kernels)
		}
		if len(weights) < width*k*k {
			return nil, fmt.Errorf("%s: too short for kernels %v of %d channels", s.Weights, s.Kernels, s.Channels)
		}
		m.groups = append(m.groups, group{
			first:  first,
			filter: kernel.PackDW(weights[:width*k*k], k, width),
			shape: kernel.DW{
				H: s.Size, W: s.Size, OutH: out, OutW: out, Channels: width, SrcStride: s.Channels, DstStride: s.Channels,
				Kernel: k, Stride: s.Stride, Dilation: 1, PadTop: k / 2, PadLeft: k / 2,
			},
		})
		weights = weights[width*k*k:]
		first += width
	}
	return m, nil
}

func (m *mixConv) run() {
	for i := range m.groups {
		g := &m.groups[i]
		kernel.Depthwise(m.dst[g.first:], m.src[g.first:], g.filter, &g.shape, nil, kernel.Identity, 0, m.out, nil)
	}
}

// output returns the result as raw float32 in PyTorch's layout.
func (m *mixConv) output() []byte {
	raw := make([]byte, 0, 4*len(m.dst))
	for c := range m.channels {
		for p := range m.out * m.out {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(m.dst[p*m.channels+c]))
		}
	}
	return raw
}

func readFloats(path string, n int) ([]float32, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(raw)%4 != 0 || n >= 0 && len(raw) != 4*n {
		return nil, fmt.Errorf("%s: %d bytes, want %d", path, len(raw), 4*n)
	}
	v := make([]float32, len(raw)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return v, nil
}

func serve(in io.Reader, out io.Writer) error {
	var m *mixConv
	reply := json.NewEncoder(out)
	if err := reply.Encode(map[string]any{"ready": true, "version": cpu.Current().String()}); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var ask struct {
			Run    int    `json:"run"`
			Load   *spec  `json:"load"`
			Logits string `json:"logits"`
		}
		if err := json.Unmarshal(lines.Bytes(), &ask); err != nil {
			return fmt.Errorf("%q: %w", lines.Text(), err)
		}
		answer := map[string]any{"ok": true}
		switch {
		case ask.Load != nil:
			var err error
			if m, err = newMixConv(*ask.Load); err != nil {
				return err
			}
			m.run()
		case m == nil:
			return errors.New("no case loaded")
		case ask.Logits != "":
			if err := os.WriteFile(ask.Logits, m.output(), 0o644); err != nil {
				return err
			}
		default:
			ms := make([]float64, ask.Run)
			for i := range ms {
				start := time.Now()
				m.run()
				ms[i] = time.Since(start).Seconds() * 1e3
			}
			answer = map[string]any{"ms": ms}
		}
		if err := reply.Encode(answer); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return reply.Encode(map[string]any{"peak_rss_mb": 0})
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("mixconvop: ")
	if err := serve(os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}
