package wal

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
)

// memDisk is a folder in memory that can fail and lose power like a real one.
//
// It keeps two views of everything: what running programs see, and what a power
// cut would leave. A sync copies from the first to the second. Sectors that
// were written but not synced survive a cut or not, each by a toss; changes of
// names survive up to a random one. When a sync fails, the sectors count as
// clean although they never reached the disk, which is what Linux does.
type memDisk struct {
	mu      sync.Mutex
	rng     *rand.Rand
	seen    map[string]*memFile
	safe    map[string]*memFile
	changes []func(names map[string]*memFile) // of names, since the last sync of the folder

	fault func(op string) error // asked before each call; may be nil
	calls int
	cutAt int  // the call at which the power fails; 0 for never
	dark  bool // it has failed

	syncGate chan struct{} // if set, each sync of a file waits for a token
}

const sector = 128 // smaller than a real one, so that more frames are torn

var errPower = errors.New("the power is off")

type memFile struct {
	disk  *memDisk
	seen  []byte
	safe  []byte
	dirty map[int]bool // sectors that a sync would write
}

func newMemDisk(seed uint64) *memDisk {
	return &memDisk{
		rng:  rand.New(rand.NewPCG(seed, 1)),
		seen: map[string]*memFile{},
		safe: map[string]*memFile{},
	}
}

// begin is called first by each operation, with the lock held.
func (d *memDisk) begin(op string) error {
	d.calls++
	if d.cutAt > 0 && d.calls >= d.cutAt {
		d.dark = true
	}
	if d.dark {
		return errPower
	}
	d.writeBack()
	if d.fault != nil {
		return d.fault(op)
	}
	return nil
}

// writeBack is what a system does now and then without being asked.
func (d *memDisk) writeBack() {
	if d.rng.IntN(4) > 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(d.seen)) {
		d.seen[name].someReachTheDisk(d.rng)
	}
}

// cutPower loses what was not synced and turns the power on again.
func (d *memDisk) cutPower() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, change := range d.changes[:d.rng.IntN(len(d.changes)+1)] {
		change(d.safe)
	}
	d.changes = nil
	d.seen = map[string]*memFile{}
	for _, name := range slices.Sorted(maps.Keys(d.safe)) {
		old := d.safe[name]
		old.someReachTheDisk(d.rng)
		f := &memFile{disk: d, seen: slices.Clone(old.safe), safe: slices.Clone(old.safe), dirty: map[int]bool{}}
		d.safe[name], d.seen[name] = f, f
	}
	d.dark, d.cutAt = false, 0
}

func (f *memFile) someReachTheDisk(rng *rand.Rand) {
	if rng.IntN(2) == 0 {
		f.resizeSafe()
	}
	for _, s := range slices.Sorted(maps.Keys(f.dirty)) {
		if rng.IntN(2) == 0 {
			f.copySector(s)
			if len(f.safe) >= min((s+1)*sector, len(f.seen)) {
				delete(f.dirty, s)
			}
		}
	}
}

func (f *memFile) resizeSafe() {
	if n := len(f.seen); n <= len(f.safe) {
		f.safe = f.safe[:n]
	} else {
		f.safe = append(f.safe, make([]byte, n-len(f.safe))...)
	}
}

// copySector writes one sector to the disk, as far as the disk knows the file
// to reach.
func (f *memFile) copySector(s int) {
	from, to := s*sector, min((s+1)*sector, len(f.seen), len(f.safe))
	if from < to {
		copy(f.safe[from:to], f.seen[from:to])
	}
}

func (d *memDisk) names() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin("names"); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(d.seen)), nil
}

func (d *memDisk) change(do func(names map[string]*memFile)) {
	do(d.seen)
	d.changes = append(d.changes, do)
}

func (d *memDisk) create(name string) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin("create"); err != nil {
		return nil, err
	}
	f := &memFile{disk: d, dirty: map[int]bool{}}
	d.change(func(names map[string]*memFile) { names[name] = f })
	return f, nil
}

func (d *memDisk) open(name string) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin("open"); err != nil {
		return nil, err
	}
	f, ok := d.seen[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return f, nil
}

func (d *memDisk) rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.begin("rename")
	if err == nil || (!d.dark && d.rng.IntN(2) == 0) { // it may fail and have happened
		d.change(func(names map[string]*memFile) {
			if f, ok := names[from]; ok {
				names[to] = f
				delete(names, from)
			}
		})
	}
	return err
}

func (d *memDisk) remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin("remove"); err != nil {
		return err
	}
	if _, ok := d.seen[name]; !ok {
		return fs.ErrNotExist
	}
	d.change(func(names map[string]*memFile) { delete(names, name) })
	return nil
}

func (d *memDisk) sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin("sync folder"); err != nil {
		return err
	}
	for _, change := range d.changes {
		change(d.safe)
	}
	d.changes = nil
	return nil
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.begin("read"); err != nil {
		return 0, err
	}
	if off >= int64(len(f.seen)) {
		return 0, io.EOF
	}
	n := copy(p, f.seen[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	err := f.disk.begin("write")
	if errors.Is(err, errPower) {
		// The power failed while it wrote: some of it is there.
		p = p[:f.disk.rng.IntN(len(p)+1)]
	} else if err != nil {
		p = p[:f.disk.rng.IntN(len(p)+1)] // a short write
	}
	if grow := int(off) + len(p) - len(f.seen); grow > 0 {
		f.seen = append(f.seen, make([]byte, grow)...)
	}
	copy(f.seen[off:], p)
	for s := int(off) / sector; s*sector < int(off)+len(p); s++ {
		f.dirty[s] = true
	}
	return len(p), err
}

func (f *memFile) truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.begin("truncate"); err != nil {
		return err
	}
	f.seen = f.seen[:size]
	for s := range f.dirty {
		if s*sector >= int(size) {
			delete(f.dirty, s)
		}
	}
	return nil
}

func (f *memFile) sync() error {
	if gate := f.disk.syncGate; gate != nil {
		<-gate
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	err := f.disk.begin("sync")
	if errors.Is(err, errPower) {
		return err
	}
	if err != nil {
		f.someReachTheDisk(f.disk.rng)
		clear(f.dirty) // the rest is lost, and no later sync will tell
		return err
	}
	f.resizeSafe()
	for s := range f.dirty {
		f.copySector(s)
	}
	clear(f.dirty)
	return nil
}

func (f *memFile) size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.begin("size"); err != nil {
		return 0, err
	}
	return int64(len(f.seen)), nil
}

func (f *memFile) Close() error { return nil }

// put places a file on the disk, durable, for tests that damage one.
func (d *memDisk) put(name string, content []byte) {
	f := &memFile{disk: d, seen: slices.Clone(content), safe: slices.Clone(content), dirty: map[int]bool{}}
	d.seen[name], d.safe[name] = f, f
}

// clone returns an independent disk with the same files.
func (d *memDisk) clone() *memDisk {
	c := newMemDisk(1)
	for name, f := range d.seen {
		c.put(name, f.seen)
	}
	return c
}

var errNoRoom = syscall.ENOSPC
