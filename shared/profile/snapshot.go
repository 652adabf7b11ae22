package profile

import (
	"bytes"
	"encoding/json"
)

// Snapshot is a profile as the lake has it: what is not personal, at one moment.
// Of the rows of one person the one with the newest SnapshotMS counts, however
// often a row was written.
type Snapshot struct {
	Project    string
	PersonID   string // lake id of a person, or of a group
	GroupKey   string // the group kind; empty for a person
	Traits     string // a JSON object
	FirstMS    int64
	LastMS     int64
	UpdatedMS  int64
	Seen       Seen
	SnapshotMS int64 // when it was written
	Gone       bool  // there is no such profile any more
}

// Personal tells by its name and its value whether a trait is personal. Without a
// value it judges the name alone.
type Personal func(name string, value []byte) bool

// SnapshotOf leaves out what is sealed, and traits that are personal.
func SnapshotOf(p *Profile, personal Personal, now int64) (Snapshot, error) {
	kept := make([]Trait, 0, len(p.Traits))
	for _, t := range p.Traits {
		if !HoldsSealed(t.Value) && !personal(t.Name, t.Value) && !bytes.Contains(t.Value, []byte("$sealed")) {
			kept = append(kept, t)
		}
	}
	text, err := json.Marshal(ShownTraits(kept))
	return Snapshot{
		Project: p.Project, PersonID: p.ID, GroupKey: p.GroupKey, Traits: string(text),
		FirstMS: p.FirstSeenMS, LastMS: p.LastSeenMS, UpdatedMS: p.UpdatedMS, Seen: p.Seen(), SnapshotMS: now,
	}, err
}
