package serve

import (
	"testing"
	"testing/synctest"
	"time"
)

// A server whose requests are measured to take four times what they add, since
// they run beside each other, learns to let in four times as many.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := admission{servers: 2, most: time.Second}
		const measured, real = 40 * time.Millisecond, 10 * time.Millisecond
		admitted := func() (n int) {
			for a.enter(measured) == nil {
				n++
			}
			for range n {
				time.Sleep(real)
				a.leave(measured)
			}
			return n
		}
		if n := admitted(); n < 37 || n > 39 {
			t.Errorf("%d requests of 40 ms by 2 servers in a second", n)
		}
		for range 5 {
			admitted()
		}
		if n := admitted(); n < 71 || n > 79 {
			t.Errorf("%d requests each 10 ms in a second", n)
		}
		if a.work != 0 || a.inside != 0 {
			t.Errorf("%v of %d requests are left", a.work, a.inside)
		}
	})
}
