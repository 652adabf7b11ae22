package erase

import (
	"context"
	"net/http"

	"loch/shared/audit"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/web"
)

// dryRun says what would go, once it is in the ledger who was told.
func (h *handler) dryRun(w http.ResponseWriter, r *http.Request, q request, people []person) {
	a := h.wouldGo(r.Context(), q, people)
	if err := h.noteFound(r.Context(), q.key, people, q.Why, q.id); err != nil {
		fail(w, r, err)
		return
	}
	web.WriteJSON(w, http.StatusOK, a)
}

// noteFound writes down that the key learned of each of people that they are there.
// The rows name no fields, as no trait is shown.
func (h *handler) noteFound(ctx context.Context, key project.Key, people []person, why, requestID string) error {
	for _, p := range people {
		if _, err := h.Audit.Append(ctx, audit.Entry{
			Project: key.Project.ID, Kind: audit.Read, Key: key.Name, Person: p.id, Why: why, RequestID: requestID,
		}); err != nil {
			return err
		}
	}
	return nil
}

// wouldGo answers a dry run.
func (h *handler) wouldGo(ctx context.Context, q request, people []person) answer {
	if len(people) == 0 {
		return answer{Erased: false, DryRun: true, RequestID: q.id, Message: "nothing is known of this id; nothing was done"}
	}
	a := q.answer(people)
	a.DryRun, a.Message = true, "nothing was done; this is what would go"
	a.Holds = &holds{}
	if p := people[0].profile; p != nil {
		a.Holds.GroupKey, a.Holds.Traits = p.GroupKey, len(p.Traits)
		a.Holds.FirstSeen, a.Holds.LastSeen = profile.ShowTime(p.FirstSeenMS), profile.ShowTime(p.LastSeenMS)
	}
	if n, err := h.countEvents(ctx, q.key.Project.ID, q.who, people[0].ids, h.Now().UnixMilli()); err == nil {
		a.Holds.Events = &n
	}
	return a
}
