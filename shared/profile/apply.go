package profile

import (
	"bytes"
	"slices"
)

// What one profile may hold. The figures are Mixpanel's where it has one; more
// is refused, never cut.
const (
	MaxTraits       = 2000
	MaxValueBytes   = 256 << 10 // one value, as JSON text
	MaxProfileBytes = 1 << 20   // names and values together
)

// Apply does to p what u says: every operator in order, or none. It is the one
// definition of the operators; each store reads a profile, applies and writes.
//
// The p of a profile that does not exist yet holds Project and ID only. After a
// nil refusal, keep says whether the profile exists now: false means that the
// store must hold nothing under this id, because $delete came last or because
// there was nothing to take a trait from. After a refusal p is as it was.
//
// now is the store's clock; it becomes UpdatedMS. The profile may keep bytes of
// the update's values. A person stays a person, and a group one of its kind: the
// lake id of one cannot become the other's until the profile is deleted.
func Apply(p *Profile, u *Update, now int64) (keep bool, refused *Refusal) {
	d := newDraft(p, len(u.Ops))
	if len(u.Ops) == 0 {
		d.there = true // {"$set": {}} is how a website says "this user is here"
	}
	for i := range u.Ops {
		if reason := d.do(&u.Ops[i]); reason != "" {
			return p.exists(), &Refusal{Index: u.Index, Field: "$" + string(u.Ops[i].Kind), Reason: reason}
		}
	}
	if p.exists() && !d.wiped && p.GroupKey != u.GroupKey {
		return true, &Refusal{Index: u.Index, Field: FieldGroupKey, Reason: reasonOtherKind}
	}
	traits := d.finish()
	if reason := withinLimits(p.Traits, traits); reason != "" {
		return p.exists(), &Refusal{Index: u.Index, Reason: reason}
	}

	if d.wiped {
		*p = Profile{Project: p.Project, ID: p.ID}
	}
	if !d.there {
		return false, nil
	}
	p.Traits = traits
	p.UpdatedMS = now
	p.GroupKey = u.GroupKey
	p.SetSeen(p.Seen().updated(u))
	return true, nil
}

// Deletes tells whether u, if it is applied to p, takes away a profile that there is,
// whatever its later operators make instead. Whoever's it was, the identifier is not
// new any more.
func (u *Update) Deletes(p *Profile) bool {
	return p.exists() && slices.ContainsFunc(u.Ops, func(op Op) bool { return op.Kind == Delete })
}

// exists tells a stored profile from the blank one that a store hands in for an
// id it knows nothing of.
func (p *Profile) exists() bool {
	return p.UpdatedMS != 0 || len(p.Traits) != 0 || p.Seen() != Seen{}
}

// withinLimits lets a profile that is over a limit shrink.
func withinLimits(before, after []Trait) (reason string) {
	if len(after) > MaxTraits && len(after) > len(before) {
		return reasonTooManyTraits
	}
	if size := sizeOf(after); size > MaxProfileBytes && size > sizeOf(before) {
		return reasonProfileTooLarge
	}
	return ""
}

func sizeOf(traits []Trait) int {
	n := 0
	for i := range traits {
		n += len(traits[i].Name) + len(traits[i].Value)
	}
	return n
}

// draft is a profile's traits while an update is applied. The profile's own
// slice is left alone, so that a refusal needs no undoing.
type draft struct {
	traits []Trait        // a nil Value marks a trait that was taken away
	at     map[string]int // where a name is; nil for a few operators, where walking is quicker
	there  bool           // the profile exists
	wiped  bool           // $delete came by
}

// fewOps is up to how many operators an update is applied by walking the
// traits. Beyond it 2000 operators on 2000 traits would be 4 million compares.
const fewOps = 8

func newDraft(p *Profile, ops int) *draft {
	d := &draft{traits: slices.Clone(p.Traits), there: p.exists()}
	if ops > fewOps {
		d.at = make(map[string]int, len(d.traits)+ops)
		for i := range d.traits {
			d.at[d.traits[i].Name] = i
		}
	}
	return d
}

// find returns the trait's place, or -1.
func (d *draft) find(name string) int {
	if d.at != nil {
		if i, ok := d.at[name]; ok {
			return i
		}
		return -1
	}
	return slices.IndexFunc(d.traits, func(t Trait) bool { return t.Name == name && t.Value != nil })
}

// put overwrites a trait where it stands, or adds it at the end: traits keep
// the order in which they were first set.
func (d *draft) put(i int, name string, value []byte) (reason string) {
	if len(value) > maxBytesOf(value) {
		return reasonValueTooLarge
	}
	d.there = true
	if i >= 0 {
		d.traits[i].Value = value
		return ""
	}
	if d.at != nil {
		d.at[name] = len(d.traits)
	}
	d.traits = append(d.traits, Trait{Name: name, Value: value})
	return ""
}

func (d *draft) take(i int) {
	if d.at != nil {
		delete(d.at, d.traits[i].Name)
	}
	d.traits[i].Value = nil
}

func (d *draft) wipe() {
	d.traits, d.there, d.wiped = nil, false, true
	clear(d.at)
}

// finish closes the gaps.
func (d *draft) finish() []Trait {
	return slices.DeleteFunc(d.traits, func(t Trait) bool { return t.Value == nil })
}

// maxBytesOf leaves a sealed value the room that its base64 takes more than the
// value itself, so that sealing refuses nothing.
func maxBytesOf(value []byte) int {
	if bytes.Contains(value[:min(len(value), 2*len(sealedHead))], []byte(sealedHead)) {
		return MaxValueBytes*4/3 + 1024
	}
	return MaxValueBytes
}
