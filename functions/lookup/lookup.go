// Package lookup finds what is known about one person or group over HTTP, by
// any identifier that the website uses: GET /api/profiles/{distinct_id}; by the
// lake id that SQL shows as person_id; or by e-mail. It tells the person's journey,
// the newest event first: GET /api/profiles/{distinct_id}/events. GET /api/profiles
// lists those who pass a filter, GET /api/profiles.ndjson hands out all of them, and
// /api/query/engage answers scripts that ask Mixpanel for profiles.
//
// The identifier comes in clear, is turned into a lake id by the vault, and is
// repeated in the answer to the one who asked; it goes nowhere else. Personal
// traits lie sealed in the profile. They are opened for a key whose scope is pii,
// which leaves a row in the audit ledger first; others see a mask.
package lookup

import (
	"context"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"loch/shared/audit"
	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/report"
	"loch/shared/roster"
	"loch/shared/vault"
	"loch/shared/web"
)

const (
	devicePrefix = "$device:" // as Mixpanel marks a distinct_id that is a device's
)

// Vault finds the lake id of an identifier, without making one, and opens sealed
// traits.
type Vault interface {
	Lookup(ctx context.Context, project, kind, value string) (id string, ok bool, err error)
	ByEmail(ctx context.Context, project, email string) (ids []string, err error)
	OpenTraits(ctx context.Context, project string, owners []string, traits []profile.Trait) (opened []profile.Trait, names []string, err error)
}

// Audit keeps who opened whose personal data.
type Audit interface {
	Append(ctx context.Context, e audit.Entry) (audit.Entry, error)
}

// Deps are what the handler needs from outside.
type Deps struct {
	Registry project.Registry
	Profiles profile.Store
	Journeys event.Journeyer
	Vault    Vault
	Audit    Audit
	Limit    *web.RateLimit // of look-ups that open personal data
	Roster   roster.Roster
	Engine   report.Engine // who did an event
	Now      func() time.Time
	Budget   *web.Budget                                      // memory for bodies; nil bounds nothing
	Pause    func(ctx context.Context, d time.Duration) error // until it is over, or ctx; nil is web.Pause
	// Everybody lets exports in clear past Limit: for whoever owns the data anyway.
	Everybody bool
}

type handler struct{ Deps }

// New returns the handler of GET /api/profiles, /api/profiles.ndjson,
// /api/query/engage, /api/profiles/{distinct_id} and the events below that; and of the last two by
// query, /api/profile?id=… and /api/profile/events?id=…, for ids that do not come
// through a path whole.
func New(d Deps) http.Handler {
	if d.Pause == nil {
		d.Pause = web.Pause
	}
	h := &handler{d}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/profiles", h.list)
	mux.HandleFunc("/api/profiles", func(w http.ResponseWriter, r *http.Request) {
		web.WriteMethodNotAllowed(w, r, "list profiles with GET and parameters: ?where=…&order=last_seen&limit=50; they are written by the SDK (/engage, /groups)", http.MethodGet)
	})
	mux.HandleFunc("GET /api/profiles.ndjson", h.export)
	mux.HandleFunc("GET /api/query/engage", h.engage)
	mux.HandleFunc("POST /api/query/engage", h.engage)
	mux.HandleFunc("GET /api/2.0/engage", h.engage)
	mux.HandleFunc("POST /api/2.0/engage", h.engage)
	mux.HandleFunc("GET /api/2.0/engage/{$}", h.engage)
	mux.HandleFunc("POST /api/2.0/engage/{$}", h.engage)
	engageOnly := func(w http.ResponseWriter, r *http.Request) {
		web.WriteMethodNotAllowed(w, r, "ask for profiles with GET or POST and parameters: where=properties[\"plan\"] == \"pro\"", http.MethodGet, http.MethodPost)
	}
	mux.HandleFunc("/api/query/engage", engageOnly)
	mux.HandleFunc("/api/2.0/engage", engageOnly)
	mux.HandleFunc("GET /api/profiles/{distinct_id}", h.one)
	mux.HandleFunc("GET /api/profiles/{distinct_id}/events", h.events)
	mux.HandleFunc("GET /api/profile", h.one)
	mux.HandleFunc("GET /api/profile/events", h.events)
	journeyOnly := func(w http.ResponseWriter, r *http.Request) {
		web.WriteMethodNotAllowed(w, r, "read a journey with GET; events are written by the SDK (/track, /import)", http.MethodGet)
	}
	mux.HandleFunc("/api/profiles/{distinct_id}/events", journeyOnly)
	mux.HandleFunc("/api/profile/events", journeyOnly)
	profileOnly := func(w http.ResponseWriter, r *http.Request) {
		web.WriteMethodNotAllowed(w, r, "look a profile up with GET, erase a person with DELETE; profiles are written by the SDK (/engage, /groups)", http.MethodGet, http.MethodDelete)
	}
	mux.HandleFunc("/api/profiles/{distinct_id}", profileOnly)
	mux.HandleFunc("/api/profile", profileOnly)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		web.WriteError(w, r, fault.New(fault.NotFound,
			"no such route; ask for GET /api/profiles/DISTINCT_ID, with the id URL-escaped (a slash in it is %2F), or for GET /api/profile?id=DISTINCT_ID"))
	})
	return mux
}

func (h *handler) one(w http.ResponseWriter, r *http.Request) {
	key, err := web.Authorize(r, h.Registry, project.Read)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	asked := web.DistinctID(r)
	groupKey := r.URL.Query().Get("group_key")
	if err := checkID(asked, groupKey); err != nil {
		web.WriteError(w, r, err)
		return
	}
	said, err := saidReason(r)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	found, err := h.find(r.Context(), key, asked, groupKey, r.URL.Query().Get("by"))
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	a, err := h.show(r, key, asked, said, found)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	web.WriteJSON(w, http.StatusOK, a)
}

func checkID(asked, groupKey string) error {
	switch {
	case asked == "" || asked == devicePrefix:
		return fault.New(fault.Invalid, "the id is empty").At("distinct_id")
	case len(asked) > event.MaxIDBytes:
		return fault.Newf(fault.Invalid, "the id has %d bytes; none that is taken in has more than %d", len(asked), event.MaxIDBytes).At("distinct_id")
	case !utf8.ValidString(asked):
		return fault.New(fault.Invalid, "the id is not UTF-8; escape its bytes as UTF-8 in the URL").At("distinct_id")
	case len(groupKey) > event.MaxIDBytes || !utf8.ValidString(groupKey):
		return fault.New(fault.Invalid, "the group key is too long or not UTF-8").At("group_key")
	}
	return nil
}

// candidate is one reading of what was asked: an id without its kind may be a
// user's or a device's.
type candidate struct{ kind, value string }

func candidates(asked, groupKey string) []candidate {
	if groupKey != "" {
		return []candidate{{event.IDGroup + groupKey, asked}}
	}
	if device, ok := strings.CutPrefix(asked, devicePrefix); ok {
		return []candidate{{event.IDDevice, device}}
	}
	return []candidate{{event.IDUser, asked}, {event.IDDevice, asked}}
}

// find tries each reading. An id may be in the vault without a profile, for
// example after $delete, so that is no reason to stop.
func (h *handler) find(ctx context.Context, key project.Key, asked, groupKey, by string) (profile.Profile, error) {
	projectID := key.Project.ID
	switch by {
	case "email":
		return h.byEmail(ctx, key, asked)
	case "", "id":
	default:
		return profile.Profile{}, fault.New(fault.Invalid, "people are looked up by=id, which is the default, or by=email").At("by")
	}
	for _, c := range candidates(asked, groupKey) {
		id, ok, err := h.Vault.Lookup(ctx, projectID, c.kind, c.value)
		if err != nil {
			return profile.Profile{}, err
		}
		if !ok {
			continue
		}
		found, err := h.Profiles.Get(ctx, projectID, id)
		if err == nil || fault.CodeOf(err) != fault.NotFound {
			return found, err
		}
	}
	if vault.IsID(asked) {
		found, err := h.Profiles.Get(ctx, projectID, asked)
		if err == nil && (groupKey == "" || found.GroupKey == groupKey) || err != nil && fault.CodeOf(err) != fault.NotFound {
			return found, err
		}
	}
	if groupKey != "" {
		return profile.Profile{}, fault.New(fault.NotFound,
			"no group profile with this id under this group_key; ids and group keys are case-sensitive, and a group has a profile once /groups set a trait of it")
	}
	return profile.Profile{}, fault.New(fault.NotFound,
		"no profile with this id; ids are case-sensitive and must be URL-escaped, a device's id may be written as $device:ID, a group's needs ?group_key=KIND, and an e-mail that is no id ?by=email; a profile is there once an event or a trait of the person arrived")
}
