package query

import (
	"context"
	"net/http"
	"strings"
	"unicode/utf8"

	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/schema"
	"loch/shared/web"
)

// maxEventName is how long an event's name may be, as in reports.
const maxEventName = 1000

// schema answers GET /api/schema: the project's events and properties. With ?event=
// it answers about one event: its own properties, and values among its own.
func (h *handler) schema(w http.ResponseWriter, r *http.Request) {
	key, err := web.Authorize(r, h.Registry, project.Read)
	giveBack, ok := h.admit(w, r, key, err)
	if !ok {
		return
	}
	defer giveBack()
	name, err := eventAsked(r)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	facts, err := h.facts(r.Context(), key.Project, name)
	if err != nil {
		fail(w, r, err)
		return
	}
	answer := schema.Of(facts, name != "", h.surroundings(key).MinCell)
	if name != "" && answer.Event == nil {
		web.WriteError(w, r, fault.New(fault.NotFound, "no event of this name was seen; GET /api/schema lists those that were").At("event"))
		return
	}
	web.WriteJSON(w, http.StatusOK, answer)
}

func eventAsked(r *http.Request) (string, error) {
	query := r.URL.Query()
	for field := range query {
		if field != "event" {
			return "", fault.New(fault.Invalid, "there is no such parameter; there is event").At(shown(field))
		}
	}
	name := query.Get("event")
	if query.Has("event") && (name == "" || len(name) > maxEventName || !utf8.ValidString(name) || strings.IndexByte(name, 0) >= 0) {
		return "", fault.Newf(fault.Invalid, "it must be an event's name, of 1 to %d bytes", maxEventName).At("event")
	}
	return name, nil
}

// facts asks the source within the time of a statement.
func (h *handler) facts(ctx context.Context, p project.Project, event string) ([]schema.Fact, error) {
	if h.Schema == nil {
		return nil, fault.New(fault.NotFound, "this server keeps no schema; SQL tells: SELECT event, count(*) FROM events GROUP BY event")
	}
	bounded, cancel := context.WithTimeout(ctx, h.MaxTime)
	defer cancel()
	return h.Schema.Facts(bounded, p.ID, event)
}
