package lookup

import (
	"net/http"
	"slices"
	"strings"

	"loch/shared/audit"
	"loch/shared/fault"
	"loch/shared/filter"
	"loch/shared/profile"
	"loch/shared/rawjson"
	"loch/shared/roster"
	"loch/shared/web"
)

// mostOpened is how many people's traits are opened to filter or sort by them.
const mostOpened = roster.MaxLimit - 1

// listOpened lists by personal traits: it opens those of everybody whom the rest
// of the filter lets through, which must not be too many. That somebody searched,
// and by which traits, stands in the ledger first.
func (h *handler) listOpened(r *http.Request, l *listing, q roster.Query) (roster.Page, error) {
	q.Limit = roster.MaxLimit
	if l.order == byName {
		q.Order = roster.PersonID
	}
	page, err := h.people(r.Context(), q)
	if err != nil {
		return page, err
	}
	if page.Count > mostOpened {
		return page, fault.Newf(fault.TooLarge,
			"%d people would have to be opened to look at personal traits, and at most %d are; add a filter on something that is not personal", page.Count, mostOpened).At("where")
	}
	found, err := h.openedPassing(r, l, page.Profiles)
	if err != nil {
		return page, err
	}
	if l.order == byName {
		slices.SortStableFunc(found, func(a, b called) int { return a.compare(&b) })
	}
	return l.cut(found)
}

// opens are the traits that a search looks at, for the ledger.
func (l *listing) opens() (names []string) {
	for i := range l.personal {
		for _, p := range l.personal[i].Properties() {
			names = append(names, roster.Trait(p).Name)
		}
	}
	if l.order == byName {
		names = append(names, string(byName))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// called is somebody with what they are called, as far as that is known.
type called struct {
	profile.Profile
	name string
}

// openedPassing are those of some people who pass by their personal traits, for one of
// the key's turns.
func (h *handler) openedPassing(r *http.Request, l *listing, people []profile.Profile) ([]called, error) {
	if err := h.beforeOpening(r, l, l.opens()); err != nil {
		return nil, err
	}
	match, err := roster.Compile(l.personal)
	if err != nil {
		return nil, err
	}
	return h.passing(r, l, people, match.Until(r.Context()))
}

// beforeOpening takes a turn for a search, and notes by which traits it is.
func (h *handler) beforeOpening(r *http.Request, l *listing, names []string) error {
	if err := h.take(l.key); err != nil {
		return err
	}
	_, err := h.Audit.Append(r.Context(), audit.Entry{
		Project: l.key.Project.ID, Kind: audit.Read, Key: l.key.Name, Fields: names, Why: reason(l.said, ""), RequestID: web.RequestID(r.Context()),
	})
	return err
}

// passing opens people's traits and asks them. The people keep theirs sealed:
// showing them is another row of the ledger.
func (h *handler) passing(r *http.Request, l *listing, people []profile.Profile, match *filter.Matcher) ([]called, error) {
	var found []called
	for _, p := range people {
		opened, _, err := h.open(r.Context(), l.policy, p)
		if err != nil {
			return nil, err
		}
		clear := p
		clear.Traits = opened
		if roster.Passes(match, &clear) {
			found = append(found, called{p, nameOf(opened)})
		}
	}
	return found, nil
}

// compare sorts by name without regard to case, those without one last.
func (c *called) compare(o *called) int {
	switch {
	case c.name == o.name:
	case c.name == "":
		return 1
	case o.name == "":
		return -1
	}
	if order := strings.Compare(strings.ToLower(c.name), strings.ToLower(o.name)); order != 0 {
		return order
	}
	return strings.Compare(c.ID, o.ID)
}

// nameOf is what somebody is called by their traits.
func nameOf(traits []profile.Trait) string {
	value := func(names ...string) string {
		for _, name := range names {
			for _, t := range traits {
				if t.Name == name && len(t.Value) > 0 && t.Value[0] == '"' {
					return rawjson.Text(t.Value)
				}
			}
		}
		return ""
	}
	if name := value("$name", "name", "Name"); name != "" {
		return name
	}
	return strings.TrimSpace(value("$first_name", "first_name", "firstName") + " " + value("$last_name", "last_name", "lastName"))
}

// cut takes a page out of a whole list.
func (l *listing) cut(all []called) (roster.Page, error) {
	page := roster.Page{Count: len(all)}
	from := 0
	if l.after != nil {
		from = l.behind(all)
		if from < 0 {
			return page, fault.New(fault.Invalid, "whoever stood at the end of the page before is not in the list any more; begin at the first page").At("cursor")
		}
	}
	rest := all[from:]
	if len(rest) > l.limit {
		rest = rest[:l.limit]
		last := &rest[l.limit-1].Profile
		page.Next = &roster.Place{ID: last.ID}
		if l.order != byName {
			*page.Next = roster.PlaceOf(last, l.order)
		}
	}
	for i := range rest {
		page.Profiles = append(page.Profiles, rest[i].Profile)
	}
	return page, nil
}

// behind is where a list goes on after the cursor; -1 where it cannot tell. A
// cursor must not carry a name, so it only has the id of who had it.
func (l *listing) behind(all []called) int {
	if l.order == byName {
		at := slices.IndexFunc(all, func(c called) bool { return c.ID == l.after.ID })
		if at < 0 {
			return at
		}
		return at + 1
	}
	after := roster.Place{TimeMS: l.after.TimeMS, ID: l.after.ID}
	at := slices.IndexFunc(all, func(c called) bool { return roster.PlaceOf(&c.Profile, l.order).Compare(after) > 0 })
	if at < 0 {
		return len(all)
	}
	return at
}
