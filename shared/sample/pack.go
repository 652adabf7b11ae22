package sample

import (
	"cmp"
	"slices"
)

const (
	// flushEvery is the SDK's batch_flush_interval_ms.
	flushEvery = 5000
	// maxBatch is the SDK's batch_size.
	maxBatch = 50
)

// pack cuts the steps into requests as the SDK's queue does: five seconds after
// the first that waits, all that wait are sent. A page load in between sends the
// events by beacon and forgets that it did, so the next flush sends them again,
// with the same $insert_id: that is where duplicates come from.
func (v *visit) pack() {
	every, offline := int64(flushEvery), v.dice.chance(12)
	if offline { // on a train: everything is sent at the end
		every = 1 << 40
	}
	leave := v.now.at
	from, fresh := 0, 0 // the first step to be sent, the first never sent
	for from < len(v.steps) {
		due := v.steps[fresh].at + every
		to, beacon := fresh, false
		for to < len(v.steps) && to-from < maxBatch && v.steps[to].at <= due {
			if to > fresh && !offline && v.loads(to) && v.dice.chance(400) { // else in a new tab
				due, beacon = v.steps[to].at, true
				break
			}
			to++
		}
		if due > leave {
			due, beacon = leave, !offline
		}
		keeps := beacon && to < len(v.steps) && to-from < maxBatch/2
		v.send(parcel{at: due, from: uint16(from), to: uint16(to), beacon: beacon, again: uint8(fresh - from)}, keeps)
		if keeps {
			fresh = to
		} else {
			from, fresh = to, to
		}
	}
	slices.SortStableFunc(v.parcels, func(a, b parcel) int { return cmp.Compare(a.at, b.at) })
}

// loads says whether a new page was loaded just before step i.
func (v *visit) loads(i int) bool {
	return v.steps[i].kind == pageView && pages[v.steps[i].page].host != pages[v.steps[i-1].page].host
}

// send makes the requests for the steps of batch, the first again of which were
// sent before: one for events, one for people, one for groups, and one for each
// event that the product's server sends by itself. A beacon that the SDK keeps a
// copy of takes the events only; updates wait for the next flush.
func (v *visit) send(batch parcel, keeps bool) {
	fresh := int(batch.from) + int(batch.again)
	for r := toTrack; r <= toGroups; r++ {
		if r != toTrack && keeps {
			continue
		}
		p := batch
		p.route, p.again, p.beacon = r, 0, batch.beacon && r == toTrack
		for i := int(p.from); i < int(p.to); i++ {
			if v.steps[i].kind.route() != r {
				continue
			}
			p.count++
			if r == toTrack && i < fresh {
				p.again++
			}
		}
		if p.count > 0 {
			v.parcels = append(v.parcels, p)
		}
	}
	for i := fresh; i < int(batch.to); i++ {
		if v.steps[i].kind.route() == toServer {
			v.parcels = append(v.parcels, parcel{at: v.steps[i].at + 120, from: uint16(i), to: uint16(i + 1), route: toServer, count: 1})
		}
	}
}

// events counts the events that a visit will send, again ones included.
func (v *visit) events() int {
	n := 0
	for _, p := range v.parcels {
		if p.route == toTrack || p.route == toServer {
			n += int(p.count)
		}
	}
	return n
}
