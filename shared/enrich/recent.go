package enrich

import (
	"hash/maphash"
	"sync"

	"loch/shared/event"
)

// recent remembers what the latest agents were found to be: a few thousand
// cover nearly all traffic, and reading one takes about a hundred times longer
// than finding it here. The key is a hash under two random seeds, so the cache
// holds no agent's text and nobody can make two agents collide.
type recent struct {
	seeds [2]maphash.Seed

	mu      sync.Mutex
	entries map[agentKey]*recentEntry
	newest  *recentEntry // a ring: newest.older is next, newest.newer the oldest
	size    int
}

type agentKey [2]uint64

type recentEntry struct {
	key          agentKey
	agent        agent
	older, newer *recentEntry
}

func newRecent(size int) *recent {
	return &recent{
		seeds:   [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		entries: map[agentKey]*recentEntry{},
		size:    size,
	}
}

// key hashes all of a client that an agent is read from.
func (r *recent) key(c *event.Client) agentKey {
	var key agentKey
	for i := range key {
		var h maphash.Hash
		h.SetSeed(r.seeds[i])
		if c.Browser {
			_ = h.WriteByte(1) // never fails
			// A zero byte cannot be inside a header's value; it keeps neighbours apart.
			for _, s := range [...]string{
				c.Hints.Brands, c.Hints.FullVersionList, c.Hints.Platform,
				c.Hints.PlatformVersion, c.Hints.Model, c.Hints.Mobile,
			} {
				_, _ = h.WriteString(s) // never fails
				_ = h.WriteByte(0)      // never fails
			}
		}
		_, _ = h.WriteString(c.UserAgent) // never fails
		key[i] = h.Sum64()
	}
	return key
}

func (r *recent) get(key agentKey) (agent, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[key]
	if e == nil {
		return agent{}, false
	}
	if e != r.newest {
		r.unlink(e)
		r.link(e)
	}
	return e.agent, true
}

func (r *recent) put(key agentKey, a agent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entries[key] != nil {
		return // another request was faster
	}
	if len(r.entries) >= r.size {
		oldest := r.newest.newer
		delete(r.entries, oldest.key)
		r.unlink(oldest)
	}
	e := &recentEntry{key: key, agent: a}
	r.entries[key] = e
	r.link(e)
}

// link makes e the newest of the ring.
func (r *recent) link(e *recentEntry) {
	if r.newest == nil {
		e.older, e.newer = e, e
	} else {
		e.older, e.newer = r.newest, r.newest.newer
		e.older.newer, e.newer.older = e, e
	}
	r.newest = e
}

func (r *recent) unlink(e *recentEntry) {
	if e.older == e {
		r.newest = nil
		return
	}
	e.older.newer, e.newer.older = e.newer, e.older
	if r.newest == e {
		r.newest = e.older
	}
}
