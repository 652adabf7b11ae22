package dynamo

import (
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"loch/shared/fault"
	"loch/shared/profile"
)

// An item of the table of profiles, by its keys. pk is <project>/<lake id>; sk says
// what it is:
//
//	profile                     what is known under the id, see below
//	device#<lake id>            that this id leads to the person: a linked device, or
//	                            (with the attribute merged) somebody who was merged
//	part#<revision>.<name>#<n>  a piece of the traits, of a profile too large for one item
//
// and pk <project>/#name#<hash> with sk name is an update's name that has no place in
// its person's item, until it expires. No lake id begins with "#".
const (
	skProfile = "profile"
	skDevice  = "device#"
	skPart    = "part#"
	skName    = "name"
	pkName    = "#name#"
)

// The attributes of an item "profile". A trait's name stands behind a dot, so that no
// website can name one of ours.
const (
	aRev       = "rev"     // counts writes
	aTo        = "leads"   // whose device it is, or whom it was merged into; a lake id
	aDead      = "dead"    // was erased: the gravestone, and nothing else
	aUpdated   = "updated" // when an update came last
	aDeleted   = "deleted" // when an update took the profile away
	aGroup     = "group"   // the group kind
	aFirst     = "first"   // when first seen
	aLast      = "last"
	aPlace     = "place" // JSON, as are device and arrival; each told at …_ms
	aPlaceMS   = "place_ms"
	aDevice    = "device"
	aDeviceMS  = "device_ms"
	aArrival   = "arrival"
	aArrivalMS = "arrival_ms"
	aOrder     = "order" // names of traits in the order in which they were first set; may name some that are gone
	aSize      = "size"  // bytes that the traits take at most
	aParts     = "parts" // the traits stand in pieces: <how many>*<revision>.<name>
	aNames     = "names" // with the week behind it: updates that were applied, by the hash of their names
	aSpilled   = "spilled"
	aCalls     = "calls" // with a digit behind it: calls that wrote within the last minutes
	aMerged    = "merged"
	traitDot   = "."
)

// key is one id of one project.
type key struct{ project, id string }

func (k key) pk() string { return k.project + "/" + k.id }

func (k key) item(sort string) item { return item{pk: text(k.pk()), sk: text(sort)} }

// record is an item "profile" in memory.
type record struct {
	key
	raw   item // as it was read; nil if there is none
	rev   int64
	to    string
	dead  bool
	p     profile.Profile
	parts string // where the traits are, if not here
	whole bool   // the traits are here, wherever they are kept
	names names
	// deletedMS is when the profile was last deleted; whoever's it was, the id is not new.
	deletedMS int64
	size      int64 // what the item says its traits take at most
}

// decodeRecord reads an item; nil is the blank record of an id of which nothing is
// known.
func decodeRecord(k key, i item) (*record, error) {
	r := &record{key: k, raw: i, whole: true, p: profile.Profile{Project: k.project, ID: k.id}}
	if i == nil {
		r.names = names{}
		return r, nil
	}
	r.rev, r.to, r.dead, r.parts, r.size = i.number(aRev), i.text(aTo), i.has(aDead), i.text(aParts), i.number(aSize)
	r.whole = r.parts == ""
	r.names = namesOf(i)
	p := &r.p
	p.UpdatedMS, p.GroupKey, r.deletedMS = i.number(aUpdated), i.text(aGroup), i.number(aDeleted)
	seen := profile.Seen{
		FirstMS: i.number(aFirst), LastMS: i.number(aLast), PlaceMS: i.number(aPlaceMS), DeviceMS: i.number(aDeviceMS), ArrivalMS: i.number(aArrivalMS),
	}
	for name, into := range map[string]any{aPlace: &seen.Place, aDevice: &seen.Device, aArrival: &seen.Arrival} {
		if told := i.text(name); told != "" && json.Unmarshal([]byte(told), into) != nil {
			return nil, damaged("profiles")
		}
	}
	p.SetSeen(seen)
	if !r.whole {
		return r, nil
	}
	order, _ := i[aOrder].(*types.AttributeValueMemberL)
	if order == nil {
		return r, nil
	}
	p.Traits = make([]profile.Trait, 0, len(order.Value))
	for _, v := range order.Value {
		name, ok := v.(*types.AttributeValueMemberS)
		if !ok {
			return nil, damaged("profiles")
		}
		value, there := i[traitDot+name.Value]
		if !there {
			continue // it was taken away since the order was written
		}
		decoded, err := decodeValue(value)
		if err != nil {
			return nil, err
		}
		p.Traits = append(p.Traits, profile.Trait{Name: name.Value, Value: decoded})
	}
	return r, nil
}

// exists says whether there is a profile: not only a link, or the names of updates.
func (r *record) exists() bool {
	return r.p.UpdatedMS != 0 || len(r.p.Traits) != 0 || r.p.Seen() != profile.Seen{}
}

// encode writes the record as an item, one revision on. Traits that are in parts are
// left out.
func (r *record) encode(w *write) (item, error) {
	i := r.key.item(skProfile)
	i[aRev] = number(r.rev + 1)
	if r.dead {
		i[aDead] = yes()
		return i, nil
	}
	if r.to != "" {
		i[aTo] = text(r.to)
	}
	r.names.write(i, w.week())
	r.writeCalls(i, w)
	if r.p.UpdatedMS != 0 {
		i[aUpdated] = number(r.p.UpdatedMS)
	}
	if r.deletedMS != 0 {
		i[aDeleted] = number(r.deletedMS)
	}
	if r.p.GroupKey != "" {
		i[aGroup] = text(r.p.GroupKey)
	}
	if err := writeSeen(i, r.p.Seen()); err != nil {
		return nil, err
	}
	if r.parts != "" {
		i[aParts], i[aSize] = text(r.parts), number(r.size)
		return i, nil
	}
	if len(r.p.Traits) == 0 {
		return i, nil
	}
	order := make([]types.AttributeValue, len(r.p.Traits))
	for n, t := range r.p.Traits {
		order[n] = text(t.Name)
		i[traitDot+t.Name] = encodeValue(t.Value)
	}
	i[aOrder], i[aSize] = &types.AttributeValueMemberL{Value: order}, number(sizeOf(r.p.Traits))
	return i, nil
}

func writeSeen(i item, s profile.Seen) error {
	for name, ms := range map[string]int64{aFirst: s.FirstMS, aLast: s.LastMS, aPlaceMS: s.PlaceMS, aDeviceMS: s.DeviceMS, aArrivalMS: s.ArrivalMS} {
		if ms != 0 {
			i[name] = number(ms)
		}
	}
	var err error
	tell := func(name string, there bool, v any) {
		if !there || err != nil {
			return
		}
		i[name], err = encodeTold(v)
	}
	tell(aPlace, s.Place != profile.Place{}, s.Place)
	tell(aDevice, s.Device != profile.DeviceInfo{}, s.Device)
	tell(aArrival, s.Arrival != profile.Arrival{}, s.Arrival)
	return err
}

// encodeTold writes a place, device or arrival.
func encodeTold(v any) (types.AttributeValue, error) {
	told, err := json.Marshal(v)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "a profile could not be written")
	}
	return text(string(told)), nil
}

// sizeOf is what traits take in an item: a name stands there twice.
func sizeOf(traits []profile.Trait) int64 {
	n := 0
	for i := range traits {
		n += traitSize(traits[i].Name, traits[i].Value)
	}
	return int64(n)
}

func traitSize(name string, value []byte) int { return 2*len(name) + len(value) + 8 }
