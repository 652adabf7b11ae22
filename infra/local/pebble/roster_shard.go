package pebble

import (
	"encoding/hex"
	"slices"

	"loch/shared/profile"
)

// shards is how many parts the people of a project are held in, by the first
// digit of their ids, so that all processors build them and ask them at once.
const shards = 16

// shard is a part of a project's people in columns: rows in the order of ids, and
// behind them those who came later.
type shard struct {
	limits limits
	ids    [][16]byte
	late   []string // ids of the rows behind, also those that are no lake id
	lateAt map[string]int

	kind                 column // which group kind somebody is of, behind a letter; missing where nobody is to be listed
	first, last, updated []int64
	facts                [18]column // of profile.SeenTexts
	factsFull            [18]bool   // which of them must be asked of the records
	traits               map[string]*column
	full                 map[string]bool // traits that must be asked of the records
	anyFull              bool            // so many that any may be
}

// rangeOf is the ids that a shard has: [from, to), no end where to is empty.
func rangeOf(n int) (from, to string) {
	const digits = "0123456789abcdef"
	if n > 0 {
		from = digits[n : n+1]
	}
	if n+1 < shards {
		to = digits[n+1 : n+2]
	}
	return from, to
}

// shardOf is the number of the shard that has an id.
func shardOf(id string) int {
	n := 0
	for n+1 < shards {
		if _, to := rangeOf(n); id < to {
			break
		}
		n++
	}
	return n
}

func (s *shard) rows() int { return len(s.first) }

// id is the lake id of a row.
func (s *shard) id(row int) string {
	if row < len(s.ids) {
		return hex.EncodeToString(s.ids[row][:])
	}
	return s.late[row-len(s.ids)]
}

// row finds the row of an id.
func (s *shard) row(id string) (int, bool) {
	if binary, ok := lakeID(id); ok {
		if row, ok := slices.BinarySearchFunc(s.ids, binary, func(a, b [16]byte) int { return slices.Compare(a[:], b[:]) }); ok {
			return row, true
		}
	}
	row, ok := s.lateAt[id]
	return row, ok
}

func lakeID(id string) (binary [16]byte, ok bool) {
	if len(id) != 2*len(binary) {
		return binary, false
	}
	n, err := hex.Decode(binary[:], []byte(id))
	return binary, err == nil && n == len(binary) && hex.EncodeToString(binary[:]) == id
}

// add makes a row. Ids that come in order before any that does not are found
// without a map.
func (s *shard) add(id string) (row int) {
	row = s.rows()
	s.first, s.last, s.updated = append(s.first, 0), append(s.last, 0), append(s.updated, 0)
	binary, ok := lakeID(id)
	if ok && len(s.late) == 0 && (row == 0 || slices.Compare(s.ids[row-1][:], binary[:]) < 0) {
		s.ids = append(s.ids, binary)
		return row
	}
	if s.lateAt == nil {
		s.lateAt = map[string]int{}
	}
	s.late = append(s.late, id)
	s.lateAt[id] = row
	return row
}

// clear takes somebody off the list.
func (s *shard) clear(row int) {
	s.kind.put(row, nil, s.limits.values)
	for i := range s.facts {
		s.facts[i].put(row, nil, s.limits.values)
	}
	for _, c := range s.traits {
		c.put(row, nil, s.limits.values)
	}
}

// set fills a row that is new or was cleared from somebody's records.
func (s *shard) set(row int, one *raw) error {
	updated, group, n, r := one.head()
	s.updated[row] = updated
	s.kind.put(row, append([]byte{'k'}, group...), 1<<15) // of which the registry takes far fewer
	var err error
	s.first[row], s.last[row], err = one.sight(func(i int, text []byte) {
		if len(text) > 0 && !s.factsFull[i] && !s.facts[i].put(row, text, s.limits.values) {
			s.factsFull[i], s.facts[i] = true, column{}
		}
	})
	if err != nil {
		return err
	}
	for range n {
		name, value := r.text(), r.text()
		if !profile.HoldsSealed(value) {
			s.trait(row, name, value)
		}
	}
	return r.end()
}

func (s *shard) trait(row int, name, value []byte) {
	c := s.traits[string(name)]
	if c == nil {
		if s.anyFull || s.full[string(name)] {
			return
		}
		if s.traits == nil {
			s.traits = map[string]*column{}
		}
		c = &column{}
		s.traits[string(name)] = c
	}
	if !c.put(row, value, s.limits.values) {
		s.give(string(name))
	}
}

// give gives a column up.
func (s *shard) give(name string) {
	delete(s.traits, name)
	if s.full == nil {
		s.full = map[string]bool{}
	}
	if s.anyFull = s.anyFull || len(s.full) >= s.limits.names; !s.anyFull {
		s.full[name] = true
	}
}

// mayBeFull tells a trait that somebody may have although it has no column.
func (s *shard) mayBeFull(name string) bool {
	return s.traits[name] == nil && (s.anyFull || s.full[name])
}

// trim gives up the columns that fewest people have until the rest is small
// enough.
func (s *shard) trim() {
	total := 0
	names := make([]string, 0, len(s.traits))
	for name, c := range s.traits {
		total += c.weight()
		names = append(names, name)
	}
	if total <= s.limits.bytes {
		return
	}
	slices.SortFunc(names, func(a, b string) int { return s.traits[a].used - s.traits[b].used })
	for _, name := range names {
		if total <= s.limits.bytes {
			return
		}
		total -= s.traits[name].weight()
		s.give(name)
	}
}

// weight is about what the shard takes in memory.
func (s *shard) weight() int {
	total := 16*cap(s.ids) + 8*(cap(s.first)+cap(s.last)+cap(s.updated)) + s.kind.weight() + 100*len(s.late)
	for i := range s.facts {
		total += s.facts[i].weight()
	}
	for _, c := range s.traits {
		total += c.weight()
	}
	return total
}
