// Package roster lists the people of a project, or its groups of one kind: those
// who pass a filter, newest first, a page at a time, with how many there are in
// all.
//
// A roster reads what a profile store holds. It sees no personal trait: a sealed
// value is missing to every filter, since the store cannot read it. Whoever may
// open such values looks at the people whom the rest of a filter lets through.
package roster

import (
	"context"
	"strings"

	"loch/shared/filter"
	"loch/shared/profile"
)

// Order is what a list is sorted by. Times run from the newest to the oldest,
// those who were never seen last; ids upwards. Ties are broken by id.
type Order string

// The orders.
const (
	LastSeen  Order = "last_seen"
	FirstSeen Order = "first_seen"
	PersonID  Order = "person_id"
)

// MaxLimit is how many people a store lists at once.
const MaxLimit = 10_001

// Query asks for a page.
type Query struct {
	Project  string
	GroupKey string          // lists groups of this kind; empty lists people
	Match    *filter.Matcher // made by Compile; nil lets everybody through
	Among    []string        // only these lake ids, in any order, where it is not nil; none of them where it is empty
	Order    Order
	After    *Place // the page begins behind it; nil begins at the front
	Limit    int    // at most MaxLimit
}

// Place is where somebody stands in an order: by the time that it sorts by, then
// by id. It stays good when people come and go.
type Place struct {
	TimeMS int64
	ID     string
}

// Page is a part of a list.
type Page struct {
	Profiles []profile.Profile
	Count    int    // all who pass, on every page
	Next     *Place // where the next page begins; nil on the last
}

// Roster lists people. A device that is linked is not in it, its user is. What
// was acknowledged before the call is seen. Errors are those of the store, and
// fault.Timeout when ctx ends.
type Roster interface {
	List(ctx context.Context, q Query) (Page, error)
}

// PlaceOf is where a profile stands in an order.
func PlaceOf(p *profile.Profile, o Order) Place {
	switch o {
	case LastSeen:
		return Place{p.LastSeenMS, p.ID}
	case FirstSeen:
		return Place{p.FirstSeenMS, p.ID}
	case PersonID:
	}
	return Place{0, p.ID}
}

// Compare is negative where p stands before q.
func (p Place) Compare(q Place) int {
	switch {
	case p.TimeMS > q.TimeMS:
		return -1
	case p.TimeMS < q.TimeMS:
		return 1
	}
	return strings.Compare(p.ID, q.ID)
}
