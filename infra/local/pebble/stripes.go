package pebble

import (
	"hash/maphash"
	"slices"
	"sync"
)

// stripes are the locks under which profiles are read, changed and written. A
// profile belongs to one of them by its hash. They are held while a batch is
// handed to Pebble, not while it is synced, so that writers of one profile share
// an fsync, too.
type stripes struct {
	seed  maphash.Seed
	locks [256]sync.Mutex
}

// lock locks what the given people need, in one order for all callers so that
// two of them cannot wait for each other, and returns how to unlock it.
func (s *stripes) lock(people []person) (unlock func()) {
	numbers := make([]uint8, len(people))
	for i, p := range people {
		numbers[i] = uint8(maphash.String(s.seed, string(p)))
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	for _, n := range numbers {
		s.locks[n].Lock()
	}
	return func() {
		for _, n := range numbers {
			s.locks[n].Unlock()
		}
	}
}
