package lookup

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"loch/shared/audit"
	"loch/shared/fault"
	"loch/shared/filter"
	"loch/shared/privacy"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/report"
	"loch/shared/roster"
	"loch/shared/web"
)

const (
	usualLimit = 50
	mostLimit  = 1000
	// mostCohort is how many people a segment of behaviour may have, at some 50
	// bytes each while it is asked.
	mostCohort = 500_000
	cohortTime = 20 * time.Second
)

// listing is a list that was understood.
type listing struct {
	key      project.Key
	policy   *privacy.Policy
	groupKey string
	where    filter.Where // what a roster can ask
	personal filter.Where // what only opened traits can tell
	cohort   *filter.Did
	order    roster.Order // also byName
	limit    int
	after    *cursor
	clear    bool   // personal traits are shown
	said     string // why, for the ledger
	// unlimited shows them without taking the key's turns.
	unlimited bool
	together  bool   // one row of the ledger names all people of a page
	note      string // what the answer says of itself
}

// listed is somebody in a list.
type listed struct {
	PersonID string `json:"person_id"` // the lake id, as SQL has it
	profile.Shown
}

// listAnswer is the body of a list.
type listAnswer struct {
	Profiles []listed `json:"profiles"`
	Count    int      `json:"count"` // all who pass, on every page
	Next     *string  `json:"next"`  // the cursor of the next page; null on the last
	Note     string   `json:"note,omitempty"`
}

// list answers GET /api/profiles: people who pass a filter, newest first, a page
// at a time. Without scope pii nothing personal is in it, nor can it be asked or
// sorted by, or the list would answer "is somebody called so" for any name.
func (h *handler) list(w http.ResponseWriter, r *http.Request) {
	key, err := web.Authorize(r, h.Registry, project.Read)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	l, err := readListing(r, key)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	a, err := h.answerList(r, l)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	web.WriteJSON(w, http.StatusOK, a)
}

func (h *handler) answerList(r *http.Request, l *listing) (listAnswer, error) {
	ctx := r.Context()
	q := roster.Query{Project: l.key.Project.ID, GroupKey: l.groupKey, Order: l.order}
	var err error
	if q.Match, err = roster.Compile(l.where); err != nil {
		return listAnswer{}, err
	}
	if l.cohort != nil {
		if q.Among, err = h.didIt(ctx, q.Project, *l.cohort); err != nil {
			return listAnswer{}, err
		}
	}
	page, err := h.pageOf(r, l, q)
	if err != nil {
		return listAnswer{}, err
	}
	a := listAnswer{Profiles: make([]listed, 0, len(page.Profiles)), Count: page.Count, Note: l.note}
	if page.Next != nil {
		next := cursor{l.order, page.Next.TimeMS, page.Next.ID}.String()
		a.Next = &next
	}
	return a, h.showAll(r, l, page.Profiles, &a)
}

// pageOf lists a page: what a roster can ask, or what opened traits can tell.
func (h *handler) pageOf(r *http.Request, l *listing, q roster.Query) (roster.Page, error) {
	switch {
	case len(l.personal) > 0 || l.order == byName:
		if l.maySealed() {
			l.note = notLookedAt
		}
		return h.listOpened(r, l, q)
	case l.maySealed():
		if page, ok, err := h.listSealed(r, l, q); ok || err != nil {
			return page, err
		}
	}
	q.Limit = l.limit
	if l.after != nil {
		q.After = &roster.Place{TimeMS: l.after.TimeMS, ID: l.after.ID}
	}
	return h.people(r.Context(), q)
}

// listTime is how long a list may be looked for. Filters by columns take a fraction of
// a second for a million people; a regular expression on long texts may take any time.
const listTime = 20 * time.Second

// people asks the roster, for so long.
func (h *handler) people(ctx context.Context, q roster.Query) (roster.Page, error) {
	looking, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	page, err := h.Roster.List(looking, q)
	if err != nil && looking.Err() != nil && ctx.Err() == nil {
		err = fault.Wrap(err, fault.Timeout, "the list took longer than 20 seconds; filter by something that is quicker to look at than a regular expression on long texts").At("where")
	}
	return page, err
}

// showAll puts the people of a page into the answer. Whose personal traits are
// shown stands in the ledger first, and takes one of the key's turns.
func (h *handler) showAll(r *http.Request, l *listing, people []profile.Profile, a *listAnswer) error {
	if !l.clear {
		for i := range people {
			a.Profiles = append(a.Profiles, listed{people[i].ID, people[i].Show(l.impersonal(people[i].Traits))})
		}
		return nil
	}
	if len(people) > 0 && !l.unlimited {
		if err := h.Limit.TakeMany(l.key, len(people), l.key.Project.Settings.LookupLimit()); err != nil {
			return fault.Wrap(err, fault.CodeOf(err), fault.From(err).Message+"; or ask for fewer with limit, or without personal traits with personal=false").At("limit")
		}
	}
	var entries []audit.Entry
	for i := range people {
		p := &people[i]
		opened, names, err := h.open(r.Context(), l.policy, *p)
		if err != nil {
			return err
		}
		if len(names) > 0 {
			entries = append(entries, audit.Entry{Person: p.ID, Fields: names})
		}
		a.Profiles = append(a.Profiles, listed{p.ID, p.Show(opened)})
	}
	if l.together {
		entries = joined(entries)
	}
	why := reason(l.said, "")
	for _, e := range entries {
		e.Project, e.Kind, e.Key, e.Why, e.RequestID = l.key.Project.ID, audit.Read, l.key.Name, why, web.RequestID(r.Context())
		if _, err := h.Audit.Append(r.Context(), e); err != nil {
			return err
		}
	}
	return nil
}

// joined makes one row of the ledger of many, for an export: each waits for the
// disk.
func joined(entries []audit.Entry) []audit.Entry {
	if len(entries) < 2 {
		return entries
	}
	var one audit.Entry
	for _, e := range entries {
		one.IDs = append(one.IDs, e.Person)
		one.Fields = append(one.Fields, e.Fields...)
	}
	slices.Sort(one.Fields)
	one.Fields = slices.Compact(one.Fields)
	return []audit.Entry{one}
}

// impersonal are the traits that may be shown to anybody who may read.
func (l *listing) impersonal(traits []profile.Trait) []profile.Trait {
	out := make([]profile.Trait, 0, len(traits))
	for _, t := range traits {
		if formOf(t.Name) == 0 && !l.policy.Seals(t.Name, t.Value) && !profile.HoldsSealed(t.Value) {
			out = append(out, t)
		}
	}
	return out
}

// didIt asks the engine who did an event.
func (h *handler) didIt(ctx context.Context, projectID string, d filter.Did) ([]string, error) {
	result, err := h.Engine.Query(ctx, projectID, d.SQL(h.Now()), report.Limits{Rows: mostCohort, Time: cohortTime})
	if err != nil {
		return nil, err
	}
	if result.Truncated {
		return nil, fault.Newf(fault.TooLarge, "more than %s people did that; ask for more times or fewer days", strconv.Itoa(mostCohort)).At("cohort.did")
	}
	ids := make([]string, 0, len(result.Rows))
	for _, row := range result.Rows {
		if id, ok := row[0].(string); ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
