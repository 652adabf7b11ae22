package erase

import (
	"context"
	"net/http"

	"loch/shared/audit"
	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/web"
)

// What becomes of the rows.
const (
	rowsKept    = "kept under an id that nobody can tell"
	rowsRemoved = "removed at the next compaction"
)

// answer is the body of a DELETE. It never repeats the identifier.
type answer struct {
	Erased      any      `json:"erased"` // true, false, or "pending": ordered, and not done yet
	DryRun      bool     `json:"dry_run,omitempty"`
	PersonID    string   `json:"person_id,omitempty"`
	Identifiers int      `json:"identifiers,omitempty"` // lake ids that are this person
	Suppressed  bool     `json:"suppressed"`
	Rows        string   `json:"rows,omitempty"`
	LedgerEntry uint64   `json:"ledger_entry,omitempty"`
	People      []erased `json:"people,omitempty"` // everybody, where there is more than one; the first is told above, too
	Holds       *holds   `json:"holds,omitempty"`
	Message     string   `json:"message,omitempty"`
	RequestID   string   `json:"request_id"`
}

// erased is one of several people.
type erased struct {
	PersonID    string `json:"person_id"`
	Identifiers int    `json:"identifiers"`
	LedgerEntry uint64 `json:"ledger_entry,omitempty"`
}

// holds is what a dry run tells of what would go.
type holds struct {
	GroupKey  string  `json:"group_key,omitempty"`
	Traits    int     `json:"traits"`
	FirstSeen *string `json:"first_seen"`
	LastSeen  *string `json:"last_seen"`
	Events    *int64  `json:"events"` // null where the engine could not say
}

// request is a DELETE that was understood.
type request struct {
	id  string
	key project.Key
	who whom
	order
}

func (h *handler) erase(w http.ResponseWriter, r *http.Request) {
	q, err := h.read(w, r)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	// Whether somebody is found is an answer, too, above all about an e-mail; so
	// the search itself takes the key's turn, and not only what comes of it.
	if err := h.take(q.key); err != nil {
		web.WriteError(w, r, err)
		return
	}
	// An identifier that is made between the search and its suppression is found
	// the next time round.
	for range 3 {
		people, err := h.find(r.Context(), q.key.Project.ID, q.who)
		if err == nil && len(people) == 0 && q.RemoveRows && !q.Suppress {
			people, err = h.erasedBefore(r.Context(), q.key.Project.ID, q.who)
		}
		if err != nil {
			fail(w, r, err)
			return
		}
		if q.DryRun {
			h.dryRun(w, r, q, people)
			return
		}
		if len(people) > 0 {
			h.forget(w, r, q, people)
			return
		}
		done, a, err := h.nobody(r.Context(), q)
		if err != nil {
			fail(w, r, err)
			return
		}
		if done {
			web.WriteJSON(w, http.StatusOK, a)
			return
		}
	}
	web.WriteError(w, r, fault.New(fault.Unavailable, "events under this id arrive faster than it can be suppressed; send again"))
}

func (h *handler) read(w http.ResponseWriter, r *http.Request) (request, error) {
	q := request{id: web.RequestID(r.Context())}
	key, err := web.Authorize(r, h.Registry, project.Erase)
	if err != nil {
		return q, err
	}
	parameters, err := readParameters(r, "group_key", "by", "suppress", "remove_rows", "all", "dry_run", "why")
	if err != nil {
		return q, err
	}
	if q.who, err = readWhom(r, parameters); err != nil {
		return q, err
	}
	if q.order, err = readOrder(w, r, h.Budget, parameters); err != nil {
		return q, err
	}
	switch {
	case q.RemoveRows && q.who.groupKey != "":
		return q, fault.New(fault.Invalid, "a group has no events of its own, they are people's; leave this out").At("remove_rows")
	case q.RemoveRows && h.Rows == nil:
		return q, fault.New(fault.Invalid, "rows cannot be removed here; without that, they stay under an id that nobody can tell").At("remove_rows")
	}
	q.key, q.Why = key, audit.CleanReason(q.Why, q.who.asked, h.Scrub)
	return q, nil
}

// forget orders the erasure of everybody who was found, and carries it out.
func (h *handler) forget(w http.ResponseWriter, r *http.Request, q request, people []person) {
	if q.who.by == "email" && len(people) > 1 && !q.All {
		// How many there are is an answer about each of them.
		err := h.noteFound(r.Context(), q.key, people, q.Why, q.id)
		if err == nil {
			err = fault.Newf(fault.Conflict, "%d people have this e-mail address, and none of them was erased; see who they are with dry_run=true, "+
				"then erase one with by=person and the person_id, or every one of them with all=true", len(people)).At("all")
		}
		fail(w, r, err)
		return
	}
	// From the first order on, whether somebody waits for the answer is no reason
	// to stop.
	ctx := context.WithoutCancel(r.Context())
	a := q.answer(people)
	var orders []audit.Entry
	var refused error
	for i, p := range people {
		e, err := h.Audit.Append(ctx, audit.Entry{
			Project: q.key.Project.ID, Kind: audit.EraseBegun, Key: q.key.Name, Person: p.id, Why: q.Why,
			RequestID: q.id, IDs: p.ids, Suppress: q.Suppress, RemoveRows: q.RemoveRows,
		})
		if err != nil {
			refused = err
			break
		}
		orders = append(orders, e)
		if i == 0 {
			a.LedgerEntry = e.Seq
		}
		if len(a.People) > 0 {
			a.People[i].LedgerEntry = e.Seq
		}
	}
	var late error
	for i, order := range orders {
		ids, err := h.carryOut(ctx, order)
		if err != nil {
			h.Logger.Error("an erasure is ordered and not done yet; it is tried again",
				"ledger_entry", order.Seq, "request_id", q.id, "code", fault.CodeOf(err), "error", fault.From(err).Error())
			late = err
			continue
		}
		if i == 0 {
			a.Identifiers = len(ids)
		}
		if len(a.People) > 0 {
			a.People[i].Identifiers = len(ids)
		}
	}
	switch {
	case refused != nil: // what was ordered is done; all of it may be asked for again
		web.WriteError(w, r, refused)
	case late != nil:
		a.Erased = "pending"
		a.Message = "the order is written down and will be carried out, also after a crash; it is tried again by itself, and sending it again does no harm"
		web.WriteJSON(w, http.StatusAccepted, a)
	default:
		a.Erased = true
		web.WriteJSON(w, http.StatusOK, a)
	}
}

// answer is the answer about people before anything was done.
func (q *request) answer(people []person) answer {
	a := answer{Erased: false, PersonID: people[0].id, Identifiers: len(people[0].ids), Suppressed: q.Suppress, Rows: rowsKept, RequestID: q.id}
	if q.RemoveRows {
		a.Rows = rowsRemoved
	}
	if len(people) > 1 {
		for _, p := range people {
			a.People = append(a.People, erased{PersonID: p.id, Identifiers: len(p.ids)})
		}
	}
	return a
}

// nobody deals with an id that leads to nobody, which is also how the second of
// two equal requests finds it. An identifier that was never seen can be
// suppressed all the same; the ledger then says that somebody's was, and not
// whose. done is false when it has come to be known meanwhile.
func (h *handler) nobody(ctx context.Context, q request) (done bool, a answer, err error) {
	a = answer{Erased: false, RequestID: q.id,
		Message: "nothing is known of this id (any more); ids are case-sensitive, a device's may be written as $device:ID, and a group's needs group_key"}
	readings, projectID := q.who.readings(), q.key.Project.ID
	if q.Suppress && len(readings) == 0 {
		a.Message = "nobody was found, so there is nothing to suppress; only an identifier that was never seen can be suppressed in advance, no e-mail and no person_id"
		return true, a, nil
	}
	for _, reading := range readings {
		is, err := h.Vault.IsSuppressed(ctx, projectID, reading.Kind, reading.Value)
		if err != nil {
			return false, a, err
		}
		a.Suppressed = a.Suppressed || is
	}
	if a.Suppressed || !q.Suppress {
		return true, a, nil
	}
	for _, reading := range readings {
		if err := h.Vault.Suppress(ctx, projectID, reading.Kind, reading.Value); err != nil {
			return false, a, err
		}
		if is, err := h.Vault.IsSuppressed(ctx, projectID, reading.Kind, reading.Value); err != nil || !is {
			return false, a, err
		}
	}
	// The row comes last: it cannot name what a crash left undone, so there would
	// be nothing to resume. Whoever got no answer sends again.
	e, err := h.Audit.Append(ctx, audit.Entry{
		Project: projectID, Kind: audit.EraseDone, Key: q.key.Name, Why: q.Why, RequestID: q.id, Suppress: true,
	})
	if err != nil {
		return false, a, err
	}
	a.Suppressed, a.LedgerEntry = true, e.Seq
	a.Message = "nothing is known of this id, and nothing will be: what arrives under it is dropped"
	return true, a, nil
}
