package dynamo

import (
	"encoding/binary"
	"slices"
	"strconv"
	"time"
)

// write is one group of changes on its way into an item. Its call is a name by which
// the item shows that the write was done, should its answer be lost: adding 1 again
// would count twice.
//
// An item holds the names of the calls of the last moments in three sets. A moment has
// one of the three, by lot; who writes leaves those of this moment and the last one, and
// empties another. So a name stays for longer than anybody goes on trying (mostPatience),
// and none for long. The lot is there for somebody who writes once every third moment.
type write struct {
	nowMS int64
	call  []byte // nil where writing twice is the same as once
}

const (
	momentMS     = 35_000
	mostPatience = 30 * time.Second
	callBytes    = 6
)

func (t *table) newWrite(once bool) (*write, error) {
	w := &write{nowMS: t.nowMS()}
	if !once {
		return w, nil
	}
	n, err := t.random()
	w.call = binary.BigEndian.AppendUint64(nil, n)[:callBytes]
	return w, err
}

func (w *write) week() int64 { return weekOf(w.nowMS) }

// lot spreads moments over the three sets.
func lot(moment int64) int {
	n := uint64(moment) * 0x9e3779b97f4a7c15
	n ^= n >> 32
	return int(n * 0xd6e8feb86659fd93 >> 33 % 3)
}

func callsName(set int) string { return aCalls + strconv.Itoa(set) }

// sets are the set that the write's call goes into, the one that stays beside it, and
// one that is emptied.
func (w *write) sets() (now, last, old int) {
	moment := w.nowMS / momentMS
	now, last = lot(moment), lot(moment-1)
	for old == now || old == last {
		old++
	}
	return now, last, old
}

// wrote says whether the write has been done to a record.
func (w *write) wrote(r *record) bool {
	if w.call == nil {
		return false
	}
	for set := range 3 {
		if slices.ContainsFunc(r.raw.blobs(callsName(set)), func(name []byte) bool { return string(name) == string(w.call) }) {
			return true
		}
	}
	return false
}

// writeCalls puts the calls that count still into an item that takes the place of r's,
// and this call.
func (r *record) writeCalls(i item, w *write) {
	now, last, _ := w.sets()
	sets := map[int][][]byte{}
	if w.nowMS-r.raw.number(aUpdated) < 2*momentMS {
		sets[now], sets[last] = r.raw.blobs(callsName(now)), r.raw.blobs(callsName(last))
	}
	if w.call != nil {
		sets[now] = append(slices.Clone(sets[now]), w.call)
	}
	for set, names := range sets {
		if len(names) > 0 {
			i[callsName(set)] = blobs(names...)
		}
	}
}
