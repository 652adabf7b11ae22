package pebble

import "encoding/binary"

// A $delete leaves when it was. Whoever's profile it was, what was known of them must
// not come back by itself, nor may somebody who can prove nothing take their
// identifier for a new one.

// deletion makes the record that somebody's profile is deleted now.
func (w *work) deletion(who person) (key, value []byte) {
	return who.key(deletedByte), binary.BigEndian.AppendUint64(nil, uint64(w.nowMS)) //nolint:gosec // times are after 1970
}
