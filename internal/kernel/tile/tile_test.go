package tile

import (
	"testing"
	"unsafe"
)

func TestConfigIs64Bytes(t *testing.T) {
	if n := unsafe.Sizeof(Config{}); n != 64 {
		t.Errorf("%d bytes", n)
	}
}

func TestBlock(t *testing.T) {
	if b := Block(49); b != 25 {
		t.Errorf("blocks of %d rows", b)
	}
}
