package lookup

import (
	"context"
	"net/http"
	"slices"
	"time"

	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/roster"
	"loch/shared/web"
)

// Mixpanel's call for profiles, for scripts that read them from there:
//
//	/api/query/engage      and /api/2.0/engage, where it was before
//
// Parameters come in the query or in a form. Their names and the answer's shape are
// those of Mixpanel's reference (openapi/query.openapi.yaml in mixpanel/docs), but:
//
//   - $distinct_id is the identifier that was asked for, or, in a list, the person's
//     lake id, which is what events of the raw export say, too: the vault finds a
//     person by an identifier, not the reverse. Every look-up takes a lake id.
//   - Personal traits are there for keys of scope pii only, in the ledger and under
//     lookups_per_minute: pages are smaller then, and wait for their turns.
//   - What Mixpanel's servers note, $last_seen and where somebody is, comes from what
//     Loch notes, unless the website set a trait of that name.
//   - behaviors and saved cohorts are refused; the list at /api/profiles has cohorts.

// engaged is the body of an answer.
type engaged struct {
	Page      int          `json:"page"`
	PageSize  int          `json:"page_size"`
	SessionID string       `json:"session_id"`
	Status    string       `json:"status"`
	Total     int          `json:"total"` // all who pass, on every page
	Results   []engagedOne `json:"results"`
	Note      string       `json:"note,omitempty"` // ours: what the answer may lack
}

type engagedOne struct {
	DistinctID string              `json:"$distinct_id"`
	Properties profile.ShownTraits `json:"$properties"`
}

// turnsTime is how long a page with personal traits waits for its turns.
const turnsTime = 20 * time.Second

func (h *handler) engage(w http.ResponseWriter, r *http.Request) {
	a, err := h.answerEngage(w, r)
	if err != nil {
		web.WriteMixpanelError(w, r, err)
		return
	}
	web.WriteJSON(w, http.StatusOK, a)
}

func (h *handler) answerEngage(w http.ResponseWriter, r *http.Request) (*engaged, error) {
	key, err := web.Account(r, h.Registry)
	if err != nil {
		return nil, err
	}
	share := h.Budget.Share()
	defer share.Release()
	p, err := web.ReadParameters(w, r, share)
	if err != nil {
		return nil, err
	}
	e, err := readEngagement(r, p, key)
	if err != nil {
		return nil, err
	}
	a := &engaged{Page: e.page, PageSize: e.limit, Status: "ok", Results: []engagedOne{}}
	var people []profile.Profile
	asked := func(i int) string { return people[i].ID }
	if e.ids != nil {
		ids := map[string]string{} // as they were asked for, by lake id
		if people, err = h.identified(r, e, ids); err != nil {
			return nil, err
		}
		asked = func(i int) string { return ids[people[i].ID] }
		a.Total, a.SessionID = len(people), e.session.String()
	} else {
		page, err := h.turnTo(r, e)
		if err != nil {
			return nil, err
		}
		people, a.Total, a.SessionID = page.Profiles, page.Count, e.session.String()
	}
	shown, err := h.showEngaged(r, e, people)
	if err != nil {
		return nil, err
	}
	a.Note = e.note
	for i := range shown {
		a.Results = append(a.Results, engagedOne{asked(i), shown[i]})
	}
	return a, nil
}

// turnTo lists a page, and notes in the session where it ended. The session says where
// another one ended, in most cases the one before; what lies between is passed over.
func (h *handler) turnTo(r *http.Request, e *engagement) (page roster.Page, err error) {
	match, err := roster.Compile(e.where)
	if err != nil {
		return page, asWhere(err)
	}
	q := roster.Query{Project: e.key.Project.ID, GroupKey: e.groupKey, Match: match, Order: roster.PersonID}
	over := e.page * e.limit
	if done := e.session.Page + 1; e.session.ID != "" && e.page >= done {
		over = (e.page - done) * e.limit
		e.after = &cursor{Order: e.order, ID: e.session.ID}
	}
	size := e.limit
	for over > 0 {
		e.limit = min(over, roster.MaxLimit-1)
		if page, err = h.pageOf(r, &e.listing, q); err != nil {
			return page, asWhere(err)
		}
		if over -= e.limit; page.Next == nil {
			page.Profiles = nil // the list ends before the page begins
			e.limit = size
			return page, nil
		}
		e.after = &cursor{Order: e.order, ID: page.Next.ID}
	}
	e.limit = size
	if page, err = h.pageOf(r, &e.listing, q); err != nil {
		return page, asWhere(err)
	}
	if n := len(page.Profiles); n > 0 {
		e.session.Page, e.session.ID = e.page, page.Profiles[n-1].ID
	}
	return page, nil
}

// identified finds people by identifier, each once, and those of them who pass.
func (h *handler) identified(r *http.Request, e *engagement, asked map[string]string) (people []profile.Profile, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), listTime)
	defer cancel()
	for _, id := range e.ids {
		found, err := h.find(ctx, e.key, id, e.groupKey, "")
		if fault.CodeOf(err) == fault.NotFound {
			continue
		}
		if err != nil && ctx.Err() != nil && r.Context().Err() == nil {
			return nil, fault.Wrap(err, fault.Timeout, "looking for these people took longer than 20 seconds; ask for fewer at once").At("distinct_ids")
		}
		if err != nil {
			return nil, err
		}
		if asked[found.ID] == "" && found.GroupKey == e.groupKey {
			asked[found.ID] = id
			people = append(people, found)
		}
	}
	match, err := roster.Compile(e.where)
	if err != nil {
		return nil, asWhere(err)
	}
	if e.maySealed() {
		passing, err := h.passingSealed(r, &e.listing, people, match)
		if err != nil {
			return nil, err
		}
		people = profilesOf(passing)
	} else {
		match = match.Until(ctx)
		people = slices.DeleteFunc(people, func(p profile.Profile) bool { return !roster.Passes(match, &p) })
	}
	if len(e.personal) == 0 || len(people) == 0 {
		return people, nil
	}
	passing, err := h.openedPassing(r, &e.listing, people)
	if err != nil {
		return nil, asWhere(err)
	}
	return profilesOf(passing), nil
}

func profilesOf(list []called) (people []profile.Profile) {
	for i := range list {
		people = append(people, list[i].Profile)
	}
	return people
}

// showEngaged are the properties of each that the asker may see, and asked for.
func (h *handler) showEngaged(r *http.Request, e *engagement, people []profile.Profile) ([]profile.ShownTraits, error) {
	cut := slices.Clone(people)
	opens := 0
	for i := range cut {
		if e.output != nil {
			cut[i].Traits = slices.DeleteFunc(slices.Clone(cut[i].Traits), func(t profile.Trait) bool { return !e.wants(t.Name) })
		}
		if e.clear && slices.ContainsFunc(cut[i].Traits, e.opensTrait) {
			opens++
		}
	}
	if err := h.waitForTurns(r.Context(), e, opens); err != nil {
		return nil, err
	}
	var a listAnswer
	if err := h.showAll(r, &e.listing, cut, &a); err != nil {
		return nil, err
	}
	shown := make([]profile.ShownTraits, len(cut))
	for i := range a.Profiles {
		shown[i] = e.withNoted(a.Profiles[i].Properties, &people[i])
	}
	return shown, nil
}

// opensTrait says whether a trait has to be opened to be shown, or is personal.
func (e *engagement) opensTrait(t profile.Trait) bool {
	return profile.HoldsSealed(t.Value) || e.policy.Seals(t.Name, t.Value)
}

// waitForTurns takes a turn for each whose personal traits are opened.
func (h *handler) waitForTurns(ctx context.Context, e *engagement, n int) error {
	perMinute := e.key.Project.Settings.LookupLimit()
	switch {
	case n == 0:
		return nil
	case n > perMinute:
		place := "page_size"
		if e.ids != nil {
			place = "distinct_ids"
		}
		return fault.Newf(fault.Invalid, "this key may open %d people's personal data a minute; ask for fewer at once, for other output_properties, or without personal traits with personal=false", perMinute).At(place)
	}
	waiting, cancel := context.WithTimeout(ctx, turnsTime)
	defer cancel()
	if err := h.Limit.Wait(waiting, e.key, n, perMinute, h.Pause); err != nil {
		return fault.Wrap(err, fault.TooMany, "this key has opened as many people's personal data as it may in a minute; ask again later, for a smaller page_size, or raise lookups_per_minute in the project's settings")
	}
	return nil
}
