package pebble

import (
	"sync"
	"sync/atomic"
)

// Pebble shows a write to readers before its fsync is done. Something that must
// never be told before it is durable is therefore claimed here first: whoever
// finds it in the database looks here, too, and waits.

// commit is one write on its way to the disk.
type commit struct {
	done chan struct{} // closed when err is set
	err  error
}

func newCommit() *commit { return &commit{done: make(chan struct{})} }

// wait returns the commit's outcome.
func (c *commit) wait() error {
	<-c.done
	return c.err
}

// claim is a value that a commit is about to make durable.
type claim[V any] struct {
	value V
	*commit
}

// pending holds the claims on keys. The zero value is ready.
type pending[K comparable, V any] struct {
	mu     sync.Mutex
	claims map[K]claim[V]
	n      atomic.Int64 // len(claims), for a look without the lock
}

// add claims a key. The caller holds mu, and holds it since it saw that the key
// is neither claimed nor stored.
func (p *pending[K, V]) add(key K, value V, c *commit) {
	if p.claims == nil {
		p.claims = map[K]claim[V]{}
	}
	p.claims[key] = claim[V]{value, c}
	p.n.Store(int64(len(p.claims)))
}

// of returns the commit that a key which was just read from the database still
// waits for, or nil.
func (p *pending[K, V]) of(key K) *commit {
	// A claim is there before its write is visible, so whoever saw the write and
	// finds no claim knows that the commit is over.
	if p.n.Load() == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.claims[key].commit
}

// drop ends the claim that a commit has on a key, once it is over.
func (p *pending[K, V]) drop(key K, c *commit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.claims[key].commit == c {
		delete(p.claims, key)
		p.n.Store(int64(len(p.claims)))
	}
}

// forget ends any claim on a key whose record was taken away again, so that the
// next to make one does not get the value from before.
func (p *pending[K, V]) forget(key K) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.claims, key)
	p.n.Store(int64(len(p.claims)))
}
