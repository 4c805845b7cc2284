package data

import (
	"context"
	"slices"
)

// nearBits is how many bits the perceptual hashes of pictures that look the same
// may differ by. Such hashes share at least one of nearBits+1 bands of bits.
const nearBits = 5

// unions are disjoint groups of the numbers below len.
type unions []int32

func newUnions(n int) unions {
	u := make(unions, n)
	for i := range u {
		u[i] = int32(i)
	}
	return u
}

// find returns the smallest number of a group.
func (u unions) find(i int32) int32 {
	for u[i] != i {
		u[i] = u[u[i]]
		i = u[i]
	}
	return i
}

// join makes one group of two.
func (u unions) join(a, b int32) {
	a, b = u.find(a), u.find(b)
	u[max(a, b)] = min(a, b)
}

// joinNear joins the pictures that look the same. Only pictures whose hashes
// share a band of bits are compared.
func joinNear(ctx context.Context, prints []fingerprint, u unions) error {
	byHash := map[uint64][]int32{} // pictures of a hash that look different
	for i := range prints {
		p := &prints[i]
		if p.decoded && u.find(int32(i)) == int32(i) {
			joinAlike(prints, u, int32(i), byHash)
		}
	}
	hashes := make([]uint64, 0, len(byHash))
	for h := range byHash {
		hashes = append(hashes, h)
	}
	for band := range nearBits + 1 {
		from, to := band*64/(nearBits+1), (band+1)*64/(nearBits+1)
		key := func(h uint64) uint64 { return h >> from & (1<<(to-from) - 1) }
		slices.SortFunc(hashes, func(a, b uint64) int {
			if ka, kb := key(a), key(b); ka != kb {
				return cmpUint(ka, kb)
			}
			return cmpUint(a, b)
		})
		for first := 0; first < len(hashes); {
			last := first + 1
			for last < len(hashes) && key(hashes[last]) == key(hashes[first]) {
				last++
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			joinBucket(prints, u, hashes[first:last], byHash)
			first = last
		}
	}
	return nil
}

func cmpUint(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// joinAlike joins a picture with one of the same hash that looks the same, or
// adds it to them. Flat pictures all have one hash: only so many are kept.
func joinAlike(prints []fingerprint, u unions, i int32, byHash map[uint64][]int32) {
	const most = 64
	h := prints[i].hash
	for _, j := range byHash[h] {
		if near(&prints[i], &prints[j]) {
			u.join(i, j)
			return
		}
	}
	if len(byHash[h]) < most {
		byHash[h] = append(byHash[h], i)
	}
}

// joinBucket joins the pictures that look the same among those of some hashes.
func joinBucket(prints []fingerprint, u unions, hashes []uint64, byHash map[uint64][]int32) {
	for a, ha := range hashes {
		for _, hb := range hashes[a+1:] {
			if hashDistance(ha, hb) > nearBits {
				continue
			}
			for _, i := range byHash[ha] {
				for _, j := range byHash[hb] {
					if u.find(i) != u.find(j) && near(&prints[i], &prints[j]) {
						u.join(i, j)
					}
				}
			}
		}
	}
}
