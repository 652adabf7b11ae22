package lookup

import (
	"net/http"
	"slices"

	"loch/shared/filter"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/roster"
)

// notLookedAt is what an answer says that may lack somebody.
const notLookedAt = "a value that was sealed for what it holds, under a name that does not say that it is personal, was not looked at; " +
	"add a filter on something that Loch notes, such as last_seen or country, that at most 10000 people pass, and filter by no other personal trait"

// asksTraits says whether a filter asks for what the website set, which may have been
// sealed for what it holds.
func asksTraits(f *filter.Filter) bool {
	return slices.ContainsFunc(f.Properties(), func(p filter.Property) bool {
		_, column := roster.Column(p)
		return !column
	})
}

// maySealed says whether sealed values could decide, and the key may have them opened.
func (l *listing) maySealed() bool {
	return l.key.Scope.Allows(project.PII) && slices.ContainsFunc(l.where, func(f filter.Filter) bool { return asksTraits(&f) })
}

// listSealed lists by traits that somebody may have sealed: to a roster these are
// missing. Of the people whom the other filters let through, those are opened who have
// such a value. ok is false where there is nobody, or where there are too many people to
// tell; then the answer says so.
func (h *handler) listSealed(r *http.Request, l *listing, q roster.Query) (page roster.Page, ok bool, err error) {
	var columns filter.Where
	for i := range l.where {
		if !asksTraits(&l.where[i]) {
			columns = append(columns, l.where[i])
		}
	}
	match := q.Match
	if q.Match, err = roster.Compile(columns); err != nil {
		return page, false, err
	}
	q.Limit = roster.MaxLimit
	all, err := h.people(r.Context(), q)
	if err != nil {
		return page, false, err
	}
	if all.Count > mostOpened {
		l.note = notLookedAt
		return page, false, nil
	}
	names := traitsOf(l.where)
	if !slices.ContainsFunc(all.Profiles, func(p profile.Profile) bool { return holdsSealed(&p, names) }) {
		return page, false, nil
	}
	found, err := h.passingSealed(r, l, all.Profiles, match)
	if err != nil {
		return page, false, err
	}
	page, err = l.cut(found)
	return page, true, err
}

// passingSealed asks people, of whom those are opened who have a trait sealed that is
// asked for, if there is one: for one of the key's turns.
func (h *handler) passingSealed(r *http.Request, l *listing, people []profile.Profile, match *filter.Matcher) (found []called, err error) {
	names, bounded := traitsOf(l.where), match.Until(r.Context())
	var sealed []profile.Profile
	for i := range people {
		if holdsSealed(&people[i], names) {
			sealed = append(sealed, people[i])
		}
	}
	var opened []called
	if len(sealed) > 0 {
		if err := h.beforeOpening(r, l, names); err != nil {
			return nil, err
		}
		if opened, err = h.passing(r, l, sealed, bounded); err != nil {
			return nil, err
		}
	}
	passes := map[string]bool{}
	for i := range opened {
		passes[opened[i].ID] = true
	}
	for _, p := range people {
		if passes[p.ID] || !holdsSealed(&p, names) && roster.Passes(bounded, &p) {
			found = append(found, called{Profile: p})
		}
	}
	return found, nil
}

// traitsOf are the names of the traits that filters ask for: each as it stands, and
// that of which it may be a member.
func traitsOf(where filter.Where) (names []string) {
	for i := range where {
		for _, p := range where[i].Properties() {
			if _, column := roster.Column(p); !column {
				trait := roster.Trait(p)
				root, _ := trait.Root()
				names = append(names, trait.Name, root)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// holdsSealed says whether somebody has one of some traits sealed.
func holdsSealed(p *profile.Profile, names []string) bool {
	return slices.ContainsFunc(p.Traits, func(t profile.Trait) bool {
		return slices.Contains(names, t.Name) && profile.HoldsSealed(t.Value)
	})
}
