package weights

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// npy assembles a .npy file.
func npy(header string, data int) []byte {
	b := append([]byte(npyMagic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	b = append(b, header...)
	return append(b, make([]byte, data)...)
}

func TestNPYAccepts(t *testing.T) {
	for _, c := range []struct {
		header string
		data   int
	}{
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }` + "   \n", 24},
		{`{"descr":"|u1","fortran_order":True,"shape":(3L,)}`, 3},
		{`{'shape': (), 'fortran_order': False, 'descr': '>f8'}`, 8},
		{`{'shape': (0, 5), 'fortran_order': True, 'descr': '=i4'}`, 0},
	} {
		f, err := openBytes(npy(c.header, c.data))
		if err == nil {
			err = readAll(f)
		}
		if err != nil {
			t.Errorf("%s: %v", c.header, err)
		}
	}
}

func TestNPYRejects(t *testing.T) {
	for _, c := range []struct {
		header string
		data   int
	}{
		{``, 8},
		{`{}`, 8},
		{`{'descr': '<f4', 'fortran_order': False}`, 8},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (2)}`, 8},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (2,)`, 8},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x`, 8},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'shape': (2,)}`, 8},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}`, 8},
		{`{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}`, 8},
		{`{'descr': '|O', 'fortran_order': False, 'shape': (2,)}`, 16},
		{`{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}`, 8},
		{`{'descr': '<U2', 'fortran_order': False, 'shape': (1,)}`, 8},
		{`{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}`, 8},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}`, 8},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (2.0,)}`, 8},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}`, 8},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}`, 8},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387905, 4)}`, 16},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}`, 8},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (` + strings.Repeat("1,", 40) + `)}`, 4},
	} {
		if _, err := openBytes(npy(c.header, c.data)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error %v", c.header, err)
		}
	}
	huge := npy(``, 100)
	huge[6] = 2
	binary.LittleEndian.PutUint32(huge[8:], 1<<31)
	if _, err := openBytes(huge); !errors.Is(err, ErrFormat) {
		t.Errorf("header of 2 GiB: error %v", err)
	}
}

func TestNotWeights(t *testing.T) {
	for content, want := range map[string]string{
		"<!DOCTYPE html><html></html>":                            "HTML",
		"version https://git-lfs.github.com/spec/v1\noid sha256:": "Git LFS",
		"\x89PNG\r\n\x1a\n0000":                                   "neither",
		"PK\x05\x06" + strings.Repeat("\x00", 18):                 "neither",
		"P":        "neither",
		"\x80\x02": "neither",
	} {
		_, err := openBytes([]byte(content))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v does not say %q", content, err, want)
		}
	}
}
