// Package profile is what is known about one person or group: traits that a
// website set, and what Loch saw by itself (first and last seen, newest place
// and device).
//
// A profile is keyed by a lake id. Traits may be personal data; they live in
// the profile store and nowhere else.
package profile

import (
	"context"
	"encoding/json"
	"net/netip"

	"loch/shared/event"
)

// OpKind is an operator on one trait, with Mixpanel's semantics
// (openapi/ingestion.openapi.yaml of its documentation).
type OpKind string

// The operators. Delete has no trait name.
const (
	Set     OpKind = "set"      // create or overwrite
	SetOnce OpKind = "set_once" // only where the trait is absent; a trait that is null is present
	Add     OpKind = "add"      // numbers; an absent trait counts as 0
	Append  OpKind = "append"   // to the end of a list, duplicates kept; absent makes a list of one
	Union   OpKind = "union"    // adds the list's items that are not there yet
	Remove  OpKind = "remove"   // takes every item equal to the value out of a list; absent changes nothing
	Unset   OpKind = "unset"    // takes the trait away
	Delete  OpKind = "delete"   // takes the whole profile away; events remain
)

// Op is one operator on one trait. Value is the operand as sent, digit for
// digit, and valid JSON: whoever decodes the request has checked it. It is empty
// for Unset and Delete.
type Op struct {
	Kind  OpKind
	Name  string
	Value json.RawMessage
	// Personal has the vault seal Value, each item of a list for itself.
	Personal bool
	// Same is what else Value is equal to when it is sealed, for $union and $remove: as it
	// was in clear, since a list may be from before its trait was personal, and under
	// the keys of Sealers. It is compared with and stored nowhere.
	Same []json.RawMessage
}

// Update is what one record of a request does to one profile. Its operators are
// applied in order, all or none.
type Update struct {
	Index    int    // the place in the request, from 0
	Token    string // the write token it came with
	GroupKey string // the group kind; empty for a person
	ClearID  string // the identifier as sent, until the vault replaced it by ID; the store never sees it
	Device   bool   // ClearID is a device's, not a user's

	Project string
	ID      string // lake id
	Owner   string // lake id of the person under whose key operands are sealed; empty for ID's own. No store reads it
	// Sealers are others under whose keys items of the person's lists lie sealed: those
	// who were merged into them. No store reads it.
	Sealers []string
	Ops     []Op
	// InsertID is what the client named the record by ($insert_id, messageId), so
	// that it can be sent again; the keyed hash of it by the time a store sees it.
	InsertID string

	TimeMS       int64 // when it happened; becomes last seen unless KeepLastSeen
	KeepLastSeen bool  // Mixpanel's $ignore_time
	ExactID      bool  // Mixpanel's $ignore_alias: do not follow a device to its user
	Place        Place
	KeepPlace    bool // leave geography as it is
	DeviceInfo   DeviceInfo
	Arrival      Arrival // how they came at TimeMS, if this is told; not with KeepLastSeen
	Empty        bool    // an operator without traits ({"$set": {}}): creates the profile, changes nothing
	Raw          []byte  // the record as sent, for the sealed copy should it be rejected

	// Whose address Place comes from; enrichment reads them, no store does.
	AddressRule event.AddressRule
	Address     netip.Addr
}

// Place is coarse geography.
type Place struct {
	Country  string `json:"country,omitempty"`
	Region   string `json:"region,omitempty"`
	City     string `json:"city,omitempty"`
	Timezone string `json:"timezone,omitempty"`
}

// DeviceInfo is what a person was last seen with.
type DeviceInfo struct {
	Browser    string `json:"browser,omitempty"`
	OS         string `json:"os,omitempty"`
	DeviceType string `json:"device_type,omitempty"`
	Brand      string `json:"device_brand,omitempty"`
	Model      string `json:"device_model,omitempty"`
}

// Sighting is what events of one person tell. A store may drop one that tells
// nothing new (Seen.Tells) beside what it knows already, so that events do not
// cost a store write each. A linked device's sightings count for its user.
type Sighting struct {
	Project string
	ID      string // lake id of the user, or of the device when no user is known
	Seen
}

// Link says that a device's events count for a user. The first link of a device
// stays; later ones change nothing. It is a sighting of the user, too, and what was
// seen of the device was seen of the user; the device's traits stay behind. A lake
// id is a device's or a user's, never both.
type Link struct {
	Project string
	Device  string // lake id
	User    string // lake id
	TimeMS  int64
}

// Profile is what a Store returns. Times are milliseconds since 1970, UTC; 0
// means never.
type Profile struct {
	Project     string
	ID          string // lake id of the person: the user a device is linked to, else the device
	GroupKey    string
	Traits      []Trait // in the order in which they were first set
	FirstSeenMS int64
	LastSeenMS  int64
	UpdatedMS   int64
	Place       Place // the newest, told at PlaceMS
	PlaceMS     int64
	Device      DeviceInfo // the newest, told at DeviceMS
	DeviceMS    int64
	Arrival     Arrival // the first, told at ArrivalMS
	ArrivalMS   int64
}

// Seen returns what the profile says about when, where and with what the person
// was seen.
func (p *Profile) Seen() Seen {
	return Seen{
		FirstMS: p.FirstSeenMS, LastMS: p.LastSeenMS, Place: p.Place, PlaceMS: p.PlaceMS,
		Device: p.Device, DeviceMS: p.DeviceMS, Arrival: p.Arrival, ArrivalMS: p.ArrivalMS,
	}
}

// SetSeen is the counterpart of Seen.
func (p *Profile) SetSeen(s Seen) {
	p.FirstSeenMS, p.LastSeenMS = s.FirstMS, s.LastMS
	p.Place, p.PlaceMS, p.Device, p.DeviceMS = s.Place, s.PlaceMS, s.Device, s.DeviceMS
	p.Arrival, p.ArrivalMS = s.Arrival, s.ArrivalMS
}

// Trait is one named value, JSON as it was sent.
type Trait struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// Changes is what one request does to profiles. Links come first, so that the
// request's own updates follow them; then updates; then sightings. Order within
// each list counts.
type Changes struct {
	Links     []Link
	Updates   []Update
	Sightings []Sighting
}

// Refusal says that one update could not be applied, by its Index; the others of
// the same request were.
type Refusal struct {
	Index  int
	Field  string // "$add" and the like, or FieldGroupKey; never a trait's name
	Reason string // safe words
}

// FieldGroupKey is the Field of a refusal since the update takes a person for a group,
// a group for a person, or for one of another kind.
const FieldGroupKey = "group_key"

// OnceForMS is how long a store remembers at least that an update with an InsertID
// was applied: SDKs that could not send try again for days.
const OnceForMS = 7 * 24 * 3600 * 1000

// Store keeps profiles.
type Store interface {
	// Apply makes every change durable before it returns nil. Updates and
	// links are durable in the full sense; sightings are derived from events, and
	// those of the last minute may be lost with the process. An update of a linked
	// device goes to its user, and one of somebody who was merged to whom they were
	// merged into, unless ExactID is set. Updates whose operators do not fit the
	// stored values ($add to a string), the limits or the request's Effort are refused
	// one by one, in the order of the list. Each is applied whole or not at all.
	// After an error some of the request may have been: the caller sends all again.
	//
	// An update with an InsertID is applied once. If one of the same Project, ID and
	// InsertID was applied within the last OnceForMS, it changes nothing and is not
	// refused, whatever became of the person since (linked, merged, deleted). One
	// that was refused was not applied. An update without an InsertID is applied as
	// often as it comes: a client that got no answer and sends again adds twice.
	Apply(ctx context.Context, c Changes) ([]Refusal, error)

	// Get returns the profile of a lake id. A device that is linked gives its
	// user's, and somebody who was merged whom they were merged into. It returns
	// fault.NotFound when the store knows nothing of the id.
	Get(ctx context.Context, project, id string) (Profile, error)

	// Whose returns for each id the person it belongs to: a linked device's user, whom
	// somebody was merged into, else the id itself, also where the store knows nothing
	// of it. What it tells is durable.
	Whose(ctx context.Context, project string, ids []string) ([]string, error)

	// Linked returns the lake ids that are one person: for an id that is linked or
	// merged its person's, else the id itself, comes first, and then every id that
	// belongs to that, in no particular order. It is just the id where the store
	// knows nothing of it.
	Linked(ctx context.Context, project, id string) ([]string, error)

	// Erase takes away, durably and as a whole, the profiles, sightings and links
	// of the ids, and leaves a gravestone for each: changes that name an erased id
	// afterwards (a request that was on its way) are dropped without a word, and a
	// link to or from it makes nothing. Erasing twice is no error. Where the store
	// can, the bytes are gone from its files when it returns.
	Erase(ctx context.Context, project string, ids []string) error
}
