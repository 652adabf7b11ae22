package profile

import "slices"

// Merge says that two people are one. What is known of From is folded into Into
// (Fold), and from then on every id of From's, devices included, is one of Into's.
// Both are followed to the people they belong to; where that is one person already
// nothing happens. It cannot be undone.
type Merge struct {
	Index   int // the place in the request, from 0
	Project string
	From    string // lake id
	Into    string // lake id
}

// MaxMergeDepth is how long a row of merges may be, of one person into another into
// a third. No honest website comes near; without a bound, a row of a million would
// have to be walked for every event.
const MaxMergeDepth = 64

const reasonMergeDepth = "the person has been merged into others too often"

// Fold puts what is known of from into into, two people who turned out to be one:
// the traits of into stay, also where from has another value, and those that only
// from has come behind them in their order; what was seen of both is joined.
// Counters are not added up, nor lists put together: nobody can tell whether they
// count the same things twice. After a refusal into is as it was.
func Fold(into, from *Profile, now int64) *Refusal {
	traits, has := slices.Clone(into.Traits), map[string]bool{}
	for i := range into.Traits {
		has[into.Traits[i].Name] = true
	}
	for _, t := range from.Traits {
		if !has[t.Name] {
			traits = append(traits, t)
		}
	}
	if reason := withinLimits(into.Traits, traits); reason != "" {
		return &Refusal{Field: mergeField, Reason: reason}
	}
	if len(from.Traits) > 0 || from.UpdatedMS != 0 {
		into.UpdatedMS = now
	}
	if into.GroupKey == "" {
		into.GroupKey = from.GroupKey
	}
	into.Traits = traits
	into.SetSeen(into.Seen().Join(from.Seen()))
	return nil
}

// mergeField is what a refused merge names.
const mergeField = "$merge"

// TooDeep refuses a merge of somebody into whom others were merged, one after the
// other, as often as may be; for stores.
func TooDeep(m *Merge) *Refusal {
	return &Refusal{Index: m.Index, Field: mergeField, Reason: reasonMergeDepth}
}
