package dynamo

import (
	"bytes"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"loch/shared/profile"
)

// group is what a request does to one person, in the order of the request.
type group struct {
	key
	at      []int // places in the request's list of updates
	updates []*profile.Update
	seen    profile.Seen // of its sightings, joined; zero for none
}

// exact says whether all of it means this very id, linked or not.
func (g *group) exact() bool {
	for _, u := range g.updates {
		if !u.ExactID {
			return false
		}
	}
	return g.seen == profile.Seen{}
}

// What one expression may hold: DynamoDB takes 4 KB of text and 300 operators.
const (
	mostTraits = 40
	mostNamed  = 20
	mostGrowth = 100 << 10 // bytes
	// Bytes that the traits of an item may take if it grows without being read: no value
	// among them can be over its own limit then.
	largestBlind = 250 << 10
)

// express puts a group into one expression that does exactly what reading, applying
// and writing would do, wherever its conditions hold: every trait that is set is there
// already, what is added to is a number that DynamoDB adds exactly, what is appended to
// is a list, nothing that was seen is newer than what the group tells, and none of its
// named updates came before. It is false where no expression can.
func express(g *group, w *write) (*expression, bool) {
	e := newExpression()
	if !g.exact() {
		e.requireNone(aTo)
	}
	e.requireNone(aDead)
	e.addTo(aRev, number(1))
	if len(g.updates) > 0 {
		e.requireNone(aParts)
		e.requireSome(aUpdated)
		e.setTo(aUpdated, number(w.nowMS))
		if !e.kind(g) || !e.traits(g) || !e.named(g, w) {
			return nil, false
		}
		now, last, old := w.sets()
		e.requireWithout(callsName(now), w.call)
		if last != now {
			e.requireWithout(callsName(last), w.call)
		}
		e.addTo(callsName(now), blobs(w.call))
		e.take(callsName(old))
	}
	return e, e.seen(g)
}

// kind has the item be what the updates take it for: a person, or a group of a kind.
func (e *expression) kind(g *group) bool {
	kind := g.updates[0].GroupKey
	for _, u := range g.updates {
		if u.GroupKey != kind {
			return false
		}
	}
	if kind == "" {
		e.requireNone(aGroup)
	} else {
		e.requireText(aGroup, kind)
	}
	return true
}

// traits adds the operators, those of one trait together.
func (e *expression) traits(g *group) bool {
	ops := map[string][]profile.Op{}
	var order []string
	for _, u := range g.updates {
		for _, op := range u.Ops {
			if op.Kind == profile.Delete {
				return false
			}
			if ops[op.Name] == nil {
				order = append(order, op.Name)
			}
			ops[op.Name] = append(ops[op.Name], op)
		}
	}
	if len(order) > mostTraits {
		return false
	}
	growth := 0
	for _, name := range order {
		n, ok := e.trait(name, ops[name])
		if !ok {
			return false
		}
		growth += n
	}
	if growth > mostGrowth {
		return false
	}
	if growth > 0 {
		e.requireMost(aSize, int64(largestBlind-growth))
		e.addTo(aSize, number(int64(growth)))
	}
	return true
}

// trait adds the operators of one trait. growth is how many bytes longer it makes the
// item at most.
func (e *expression) trait(name string, ops []profile.Op) (growth int, ok bool) {
	attribute := traitDot + name
	switch kind := ops[0].Kind; kind {
	case profile.Unset:
		e.take(attribute)
		return 0, len(ops) == 1
	case profile.SetOnce:
		e.requireSome(attribute)
		return 0, all(ops, kind)
	case profile.Set:
		value, ok := outcome(ops)
		if !ok {
			return 0, false
		}
		e.requireSome(attribute)
		e.setTo(attribute, encodeValue(value))
		return traitSize(name, value), true
	case profile.Add:
		for i := range ops {
			if !isPlain(ops[i].Value) {
				return 0, false
			}
		}
		sum, ok := outcome(ops)
		if !ok || !all(ops, kind) || !isPlain(sum) {
			return 0, false
		}
		n := e.name(attribute)
		e.requireType(attribute, "N", func(v types.AttributeValue) bool { _, is := v.(*types.AttributeValueMemberN); return is })
		e.set = append(e.set, n+"="+n+"+"+e.value(encodeValue(sum)))
		return 0, true
	case profile.Append:
		more := make([]types.AttributeValue, len(ops))
		for i := range ops {
			item := bytes.TrimSpace(ops[i].Value)
			if len(item) == 0 {
				return 0, false
			}
			more[i] = text(string(item))
			growth += len(item) + 1
		}
		n := e.name(attribute)
		e.requireType(attribute, "L", func(v types.AttributeValue) bool { _, is := v.(*types.AttributeValueMemberL); return is })
		e.set = append(e.set, n+"=list_append("+n+","+e.value(&types.AttributeValueMemberL{Value: more})+")")
		return growth, all(ops, kind)
	case profile.Union, profile.Remove, profile.Delete:
	}
	return 0, false
}

// all says whether operators are all of one kind.
func all(ops []profile.Op, kind profile.OpKind) bool {
	for i := range ops {
		if ops[i].Kind != kind {
			return false
		}
	}
	return true
}

// outcome is what operators make of a trait that is not there, and false if they are
// refused or take it away: one that comes back stands at another place.
func outcome(ops []profile.Op) (value json.RawMessage, ok bool) {
	for i := range ops {
		if ops[i].Kind == profile.Unset {
			return nil, false
		}
	}
	var p profile.Profile
	if _, refusal := profile.Apply(&p, &profile.Update{Ops: ops}, 1); refusal != nil || len(p.Traits) != 1 {
		return nil, false
	}
	return p.Traits[0].Value, true
}

// named adds the names of updates.
func (e *expression) named(g *group, w *write) bool {
	seen := map[string]bool{}
	var fresh [][]byte
	for _, u := range g.updates {
		if u.InsertID == "" {
			continue
		}
		name := nameOf(u)
		if seen[name] {
			return false
		}
		seen[name] = true
		fresh = append(fresh, []byte(name))
	}
	if len(fresh) == 0 {
		return true
	}
	if len(fresh) > mostNamed {
		return false
	}
	week := w.week()
	for _, name := range fresh {
		e.requireWithout(inWeek(aNames, week), name)
		e.requireWithout(inWeek(aNames, week-1), name)
	}
	e.requireFew(inWeek(aNames, week), spillNames)
	e.requireNone(inWeek(aSpilled, week))
	e.requireNone(inWeek(aSpilled, week-1))
	e.addTo(inWeek(aNames, week), blobs(fresh...))
	e.take(inWeek(aNames, week-2))
	e.take(inWeek(aSpilled, week-2))
	return true
}

// seen adds what the group tells of when, where and with what, provided that all of it
// is newer than what the item has: then what is newest of both is the group's, and
// what is first the item's.
func (e *expression) seen(g *group) bool {
	var blank profile.Profile
	var oldestPlace, oldestDevice int64
	older := func(oldest *int64, told bool, ms int64) {
		if told && (*oldest == 0 || ms < *oldest) {
			*oldest = ms
		}
	}
	for _, u := range g.updates {
		if u.TimeMS <= 0 {
			return false
		}
		bare := *u
		bare.Ops = nil
		profile.Apply(&blank, &bare, 1)
		older(&oldestPlace, !u.KeepPlace && u.Place != profile.Place{}, u.TimeMS)
		older(&oldestDevice, u.DeviceInfo != profile.DeviceInfo{}, u.TimeMS)
	}
	told := blank.Seen().Join(g.seen)
	older(&oldestPlace, g.seen.PlaceMS != 0, g.seen.PlaceMS)
	older(&oldestDevice, g.seen.DeviceMS != 0, g.seen.DeviceMS)

	if told.FirstMS != 0 {
		e.requireMost(aFirst, told.FirstMS)
		e.setOnce(aFirst, number(told.FirstMS))
		e.requireMost(aLast, told.LastMS)
		e.setTo(aLast, number(told.LastMS))
	}
	ok := true
	tell := func(attribute, timed string, v any, ms int64) {
		encoded, err := encodeTold(v)
		ok = ok && err == nil
		e.setTo(attribute, encoded)
		e.setTo(timed, number(ms))
	}
	if oldestPlace != 0 {
		e.requireMost(aPlaceMS, oldestPlace-1)
		tell(aPlace, aPlaceMS, told.Place, told.PlaceMS)
	}
	if oldestDevice != 0 {
		e.requireMost(aDeviceMS, oldestDevice-1)
		tell(aDevice, aDeviceMS, told.Device, told.DeviceMS)
	}
	if told.ArrivalMS != 0 {
		e.requireMost(aArrivalMS, told.ArrivalMS-1)
		arrival, err := encodeTold(told.Arrival)
		ok = ok && err == nil
		e.setOnce(aArrival, arrival)
		e.setOnce(aArrivalMS, number(told.ArrivalMS))
	}
	return ok
}
