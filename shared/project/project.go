// Package project says whose data a request is about: a project, its write
// token, its API keys and its settings.
package project

import (
	"context"
	"time"
)

// Scope is what an API key may do.
type Scope string

// The scopes. PII includes Read; Erase stands alone.
const (
	Read  Scope = "read"
	PII   Scope = "pii"
	Erase Scope = "erase"
)

// Project is one set of data with its own tokens, keys and people.
type Project struct {
	ID       string // stands in paths and in the lake's project column: [a-z0-9-]{1,40}
	Token    string // write token; public by nature, since web pages carry it
	Settings Settings
}

// Settings change how a project's data are taken. The zero value is the
// default.
type Settings struct {
	// GroupKeys are the event properties that name a group ("company"): their
	// values are sealed like identifiers. Kinds seen on /groups are added by
	// themselves, unless OnlyListedGroups says no.
	GroupKeys []string `json:"group_keys,omitempty"`
	// OnlyListedGroups refuses kinds of group that GroupKeys does not list. Without
	// it whoever has the write token, which is public, can make a property a kind of
	// group, and its values are sealed from then on.
	OnlyListedGroups bool `json:"only_listed_groups,omitempty"`
	// MaxEventAgeDays refuses events on /track that are older; Mixpanel's figure
	// is 5. 0 keeps everything since 1971.
	MaxEventAgeDays int `json:"max_event_age_days,omitempty"`
	// Timezone is the calendar of reports, an IANA name; empty is UTC.
	Timezone string `json:"timezone,omitempty"`
	// SessionMinutes ends a session after a longer silence of a person; 0 is 30.
	SessionMinutes int `json:"session_minutes,omitempty"`
	// Identity says when two identifiers are one person: "simplified" (the
	// default) or "original", see IdentityOriginal.
	Identity string `json:"identity,omitempty"`
	// Privacy says what counts as personal data and what becomes of it.
	Privacy Privacy `json:"privacy,omitzero"`
	// LookupsPerMinute bounds how many people's personal data one API key may
	// open; 0 is 60.
	LookupsPerMinute int `json:"lookups_per_minute,omitempty"`
}

// MaxGroupKeys is how many kinds of group a project may have: it keeps a broken
// client from filling the settings.
const MaxGroupKeys = 100

// The identity schemes, by Mixpanel's names. In both, the first event with a
// device's and a user's identifier links the device to the user. Under the
// original scheme websites can also say that two identifiers are one person
// ($identify, $create_alias, $merge); under the simplified one, which is the
// default, such events are kept and merge nobody.
const (
	IdentitySimplified = "simplified"
	IdentityOriginal   = "original"
)

// Merges says whether identity events merge people.
func (s *Settings) Merges() bool { return s.Identity == IdentityOriginal }

// lookupsPerMinute is what a project that says nothing allows.
const lookupsPerMinute = 60

// LookupLimit is how many people's personal data one API key may open a minute.
func (s *Settings) LookupLimit() int {
	if s.LookupsPerMinute > 0 {
		return s.LookupsPerMinute
	}
	return lookupsPerMinute
}

// sessionMinutes is what a project that says nothing has.
const sessionMinutes = 30

// SessionGap is the longest silence within a session.
func (s *Settings) SessionGap() time.Duration {
	if s.SessionMinutes > 0 {
		return time.Duration(s.SessionMinutes) * time.Minute
	}
	return sessionMinutes * time.Minute
}

// Key is an API key that was recognised.
type Key struct {
	Project Project
	Scope   Scope
	Name    string // for the log: "read", never the secret
}

// Allows says whether a key of scope k may do what needs scope s.
func (k Scope) Allows(s Scope) bool {
	return k == s || (k == PII && s == Read)
}

// Registry finds projects. Each method returns fault.Unauthorized when nothing
// fits, and fault.Unavailable when it cannot tell.
type Registry interface {
	// ByToken finds the project that a write token belongs to.
	ByToken(ctx context.Context, token string) (Project, error)
	// ByServiceAccount finds the project that a Mixpanel-style service account
	// may import into.
	ByServiceAccount(ctx context.Context, username, secret string) (Project, error)
	// ByKey finds the project and scope of an API key.
	ByKey(ctx context.Context, key string) (Key, error)
	// AddGroupKey remembers that a project uses a group kind. It is called when
	// /groups names one that Settings.GroupKeys does not hold yet. It returns
	// fault.Invalid when there are MaxGroupKeys already, and fault.Forbidden when
	// the project takes listed kinds only.
	AddGroupKey(ctx context.Context, projectID, groupKey string) error
}
