package profile

import (
	"context"
	"slices"
)

// MaxMerged is how many identifiers may be merged into one person, the person's
// own included (Mixpanel's figure). Devices that are merely linked do not count.
const MaxMerged = 500

// Ref is one side of a merge: an identifier's lake id, and whether it is a
// device's.
type Ref struct {
	ID     string
	Device bool
}

// Merging asks that two identifiers be one person from now on, as $identify,
// $create_alias, $merge and Segment's alias do in projects that chose the
// original identity scheme.
type Merging struct {
	Project string
	Into    Ref // whose person stays
	From    Ref // whose person becomes Into's
	// OnlyNew asks for it only where From is a new identifier: not somebody else's, of
	// which no other is, and of which nothing is known or was before a $delete. It is
	// what keeps people apart from those who can prove nothing: a write token stands in
	// every page.
	OnlyNew bool
	// OrVisitor lets From, with OnlyNew, be an identifier that was seen, too, as that of
	// a visitor is who has not given a name yet. Nobody may have set a trait of theirs.
	OrVisitor bool
	TimeMS    int64
}

// MergeOutcome says what came of a Merging.
type MergeOutcome uint8

// The outcomes.
const (
	// MergeRefused: nothing was merged. Either OnlyNew was asked for and From
	// is not; or both are devices of nobody, which meet
	// when their users do; or the person would have more than MaxMerged
	// identifiers; or one is a group's; or one of them was erased.
	MergeRefused MergeOutcome = iota
	// MergeDone: the two are one person, since now or since before.
	MergeDone
	// MergeLinks: one is a device without a user and the other a user. A Link of
	// the two does what is asked, and nothing was done yet.
	MergeLinks
)

// Merged is the answer to a Merging. Whoever copies it into the lake can resolve
// persons there without following anything: of all answers that name an
// identifier the one with the most identifiers is the newest, since a person only
// ever gains some.
type Merged struct {
	Outcome MergeOutcome
	Person  string   // lake id of the person
	IDs     []string // every identifier that was merged into one person, that one included, sorted; not linked devices
}

// MayTake says whether From, which is nobody's device nor merged into anybody and has no
// identifiers of its own, may be merged. updated says that somebody set or deleted a
// profile of it, seen that it was seen.
func (m *Merging) MayTake(updated, seen bool) bool {
	return !m.OnlyNew || !updated && (m.OrVisitor || !seen)
}

// Merger merges people. The embedded store is one.
type Merger interface {
	// Merge carries out each merging in order and returns what came of it; all are
	// durable when it returns nil. Merging what is one person changes nothing and
	// answers the same again. Updates, links, sightings and look-ups of an
	// identifier that was merged count for its person. An error of code
	// fault.Unavailable means that some may have been done: the same call again is
	// the remedy.
	Merge(ctx context.Context, list []Merging) ([]Merged, error)
}

// Absorb adds another profile of the same person to p. Where both have a trait,
// p's stays: it is the person that the website named as the one to keep. Traits
// that only the other has follow behind, in their order. What was seen of both is
// joined. Counters are not added up, nor lists put together: nobody can tell whether
// they count the same things twice. No limit applies, since a merge must not lose
// anything; a profile over a limit may only shrink.
func (p *Profile) Absorb(other *Profile) {
	p.UpdatedMS = max(p.UpdatedMS, other.UpdatedMS)
	traits, has := slices.Clone(p.Traits), map[string]bool{}
	for i := range p.Traits {
		has[p.Traits[i].Name] = true
	}
	for _, t := range other.Traits {
		if !has[t.Name] {
			traits = append(traits, t)
		}
	}
	p.Traits = traits
	p.SetSeen(p.Seen().Join(other.Seen()))
}
