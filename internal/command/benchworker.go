package command

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
)

// answer speaks the protocol of bench/worker.py, one JSON object a line.
func (j *job) answer(e *env, callers int) error {
	out := json.NewEncoder(e.stdout)
	if err := out.Encode(map[string]any{"ready": true, "version": version()}); err != nil {
		return err
	}
	lines := bufio.NewScanner(e.stdin)
	for lines.Scan() {
		var ask struct {
			Run    int     `json:"run"`
			Crowd  float64 `json:"crowd"`
			Logits string  `json:"logits"`
		}
		if err := json.Unmarshal(lines.Bytes(), &ask); err != nil {
			return fmt.Errorf("worker: %q: %w", lines.Text(), err)
		}
		var reply any
		switch {
		case ask.Logits != "":
			var raw []byte
			for _, v := range j.out() {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
			}
			if err := atomicfile.WriteBytes(ask.Logits, raw); err != nil {
				return err
			}
			reply = map[string]any{"ok": true}
		case ask.Crowd > 0:
			start := time.Now()
			took, err := j.crowd(e, max(callers, 1), time.Duration(ask.Crowd*float64(time.Second)))
			if err != nil {
				return err
			}
			reply = map[string]any{"wall_ms": ms(time.Since(start)), "ms": milliseconds(took)}
		default:
			times := make([]float64, ask.Run)
			for i := range times {
				start := time.Now()
				if err := j.run(); err != nil {
					return err
				}
				times[i] = ms(time.Since(start))
			}
			reply = map[string]any{"ms": times}
		}
		if err := out.Encode(reply); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return out.Encode(map[string]any{"peak_rss_mb": peakRSS()})
}
