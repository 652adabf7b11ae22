package dynamo

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"loch/shared/profile"
)

// An update with an insert id leaves its name in the item that it changes, in the same
// call, so that it is there exactly if the update is. A name is a hash of the id that
// the update was sent about and of the insert id. It follows that id into the item of
// whoever the id is linked to or merged into. Names are kept by the week in which they
// were made; this week's and the last one's are looked at, so each counts for a week at
// least. Older ones go with the next write.
//
// An item is paid for by its size at every write. When spillNames have gathered they
// move to items of their own, which expire; for as long as the person's item says that
// some have moved, a named update asks for its own first.

const spillNames = 300

// names are those that an item holds.
type names struct {
	weeks   map[int64]map[string]bool
	spilled map[int64]bool  // names of that week stand in items of their own
	found   map[string]bool // those of them that were asked for and found
}

func weekOf(nowMS int64) int64 { return nowMS / profile.OnceForMS }

// nameOf is the name of an update in the items of the store, 10 bytes.
func nameOf(u *profile.Update) string {
	h := sha256.New()
	h.Write(binary.AppendUvarint(nil, uint64(len(u.ID))))
	h.Write([]byte(u.ID))
	h.Write([]byte(u.InsertID))
	return string(h.Sum(nil)[:10])
}

func namesOf(i item) names {
	var n names
	for attribute := range i {
		if week, ok := weekIn(attribute, aNames); ok {
			for _, name := range i.blobs(attribute) {
				n.add(week, string(name))
			}
		}
		if week, ok := weekIn(attribute, aSpilled); ok {
			n.spill(week)
		}
	}
	return n
}

func weekIn(attribute, prefix string) (week int64, ok bool) {
	digits, ok := strings.CutPrefix(attribute, prefix)
	if !ok {
		return 0, false
	}
	week, err := strconv.ParseInt(digits, 10, 64)
	return week, err == nil
}

func inWeek(prefix string, week int64) string { return prefix + strconv.FormatInt(week, 10) }

func (n *names) add(week int64, name string) {
	if n.weeks == nil {
		n.weeks = map[int64]map[string]bool{}
	}
	if n.weeks[week] == nil {
		n.weeks[week] = map[string]bool{}
	}
	n.weeks[week][name] = true
}

func (n *names) spill(week int64) {
	if n.spilled == nil {
		n.spilled = map[int64]bool{}
	}
	n.spilled[week] = true
}

// has says whether a name is among them in a week or the one before.
func (n *names) has(week int64, name string) bool {
	return n.weeks[week][name] || n.weeks[week-1][name] || n.found[name]
}

// elsewhere says whether a name may stand in an item of its own.
func (n *names) elsewhere(week int64) bool { return n.spilled[week] || n.spilled[week-1] }

// join adds the names of another item that count still.
func (n *names) join(o *names, week int64) {
	for _, w := range []int64{week, week - 1} {
		for name := range o.weeks[w] {
			n.add(w, name)
		}
		if o.spilled[w] {
			n.spill(w)
		}
	}
}

// tooMany says whether the names should move out of the item.
func (n *names) tooMany(week int64) bool {
	return len(n.weeks[week])+len(n.weeks[week-1]) >= spillNames
}

// moved are the names as items of their own. They are written before an item says
// that they are there.
func (n *names) moved(project string, week int64) []item {
	var items []item
	for _, w := range []int64{week, week - 1} {
		for name := range n.weeks[w] {
			items = append(items, nameItem(project, name, w))
		}
	}
	return items
}

// without is what an item keeps when some of its names have moved.
func (n *names) without(moved *names, week int64) names {
	var left names
	for _, w := range []int64{week, week - 1} {
		for name := range n.weeks[w] {
			if !moved.weeks[w][name] {
				left.add(w, name)
			}
		}
		if len(moved.weeks[w]) > 0 || n.spilled[w] {
			left.spill(w)
		}
	}
	return left
}

func (n *names) clone() names {
	var c names
	for week, set := range n.weeks {
		for name := range set {
			c.add(week, name)
		}
	}
	for week := range n.spilled {
		c.spill(week)
	}
	return c
}

// recall adds to n those names of a group's updates that stand in items of their own.
func (s *Profiles) recall(ctx context.Context, e *effort, g *group, n *names, week int64) error {
	byPK := map[string]string{}
	var keys []item
	for _, u := range g.updates {
		if u.InsertID == "" {
			continue
		}
		name := nameOf(u)
		k := nameItem(g.project, name, week)
		delete(k, expires)
		if _, twice := byPK[k.text(pk)]; !twice {
			byPK[k.text(pk)], keys = name, append(keys, k)
		}
	}
	found, err := s.getItems(ctx, e, keys)
	n.found = map[string]bool{}
	for _, i := range found {
		n.found[byPK[i.text(pk)]] = true
	}
	return err
}

// nameItem is the item of a name of a week. It expires when the name counts no more.
func nameItem(project, name string, week int64) item {
	i := key{project, pkName + hex.EncodeToString([]byte(name))}.item(skName)
	i[expires] = number((week + 2) * profile.OnceForMS / 1000)
	return i
}

// write puts the names that count into an item.
func (n *names) write(i item, week int64) {
	for _, w := range []int64{week, week - 1} {
		var set [][]byte
		for name := range n.weeks[w] {
			set = append(set, []byte(name))
		}
		if len(set) > 0 {
			i[inWeek(aNames, w)] = blobs(set...)
		}
		if n.spilled[w] {
			i[inWeek(aSpilled, w)] = yes()
		}
	}
}
