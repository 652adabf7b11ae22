// Package erase carries out what people may demand of whoever holds data about
// them, over HTTP: DELETE /api/profiles/{distinct_id} forgets a person, GET
// /api/profiles/{distinct_id}/export hands out everything that is known.
//
// Forgetting is ordered first and carried out then. The order is a row of the
// audit ledger, durable before anything is touched, and names the person by lake
// ids only. What comes after may be done twice, so whatever a crash leaves
// undone, Resume finishes: rows marked for removal if that was asked for, then
// the vault's entries and keys, then the profile and its links. The identifier
// that the request carries is in no row, no log and no answer of an erasure.
package erase

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"loch/shared/audit"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/report"
	"loch/shared/web"
)

// DefaultMaxTime is how long one statement of an export may take.
const DefaultMaxTime = time.Minute

// statusClientGone is what the log shows when nobody waited for the answer.
const statusClientGone = 499

// Vault is what an erasure and an export need of the vault.
type Vault interface {
	// Lookup finds the lake id of an identifier, without making one. One that is
	// suppressed has none.
	Lookup(ctx context.Context, project, kind, value string) (id string, ok bool, err error)
	// ByEmail finds the lake ids of people by an e-mail in its normal form.
	ByEmail(ctx context.Context, project, email string) (ids []string, err error)
	// OpenTraits opens what one of owners sealed, and names what was sealed.
	OpenTraits(ctx context.Context, project string, owners []string, traits []profile.Trait) (opened []profile.Trait, names []string, err error)
	// Erase takes away all that ties the lake ids to anybody. Twice is no error.
	Erase(ctx context.Context, project string, ids []string, suppress bool) error
	// Suppress has events under an identifier that is not known dropped from now
	// on. One that is known by then stays as it is.
	Suppress(ctx context.Context, project, kind, value string) error
	// IsSuppressed tells whether they are.
	IsSuppressed(ctx context.Context, project, kind, value string) (bool, error)
}

// Ledger is the audit ledger; *audit.Log is one.
type Ledger interface {
	Append(ctx context.Context, e audit.Entry) (audit.Entry, error)
	Walk(ctx context.Context, from uint64, fn func(audit.Entry) error) error
}

// RowRemover has rows of lake ids removed for good: no answer shows them from
// the moment it returns, and the next compaction writes them no more. The order
// is durable, and giving it twice is no error.
type RowRemover interface {
	RemoveRows(ctx context.Context, project string, ids []string) error
}

// Deps are what the handler needs from outside.
type Deps struct {
	Registry project.Registry
	Vault    Vault
	Profiles profile.Store
	Audit    Ledger
	Engine   report.Engine
	Rows     RowRemover // nil where rows cannot be removed; such an order is refused

	// NormalEmail returns an e-mail in the form under which the vault indexes it,
	// and false for what is none. Nil refuses to find people by e-mail.
	NormalEmail func(text string) (normal string, ok bool)
	// Scrub takes personal values out of the reason that an asker gives. Nil keeps
	// no reasons at all.
	Scrub func(text string) string
	// Limit is the one of look-ups that open personal data, since an export does,
	// and every answer tells whether there is such a person. Nil sets none.
	Limit *web.RateLimit

	Budget  *web.Budget   // memory for bodies; nil bounds nothing
	MaxTime time.Duration // of one statement of an export; 0 is DefaultMaxTime
	Now     func() time.Time
	Logger  *slog.Logger // nil logs nothing
}

type handler struct{ Deps }

// New returns the handler of DELETE /api/profiles/{distinct_id} and GET
// /api/profiles/{distinct_id}/export, and of both by query, /api/profile?id=… and
// /api/profile/export?id=…, for ids that do not come through a path whole.
func New(d Deps) http.Handler {
	h := newHandler(d)
	mux := http.NewServeMux()
	mux.HandleFunc("DELETE /api/profiles/{distinct_id}", h.erase)
	mux.HandleFunc("DELETE /api/profile", h.erase)
	eraseOnly := func(w http.ResponseWriter, r *http.Request) {
		web.WriteMethodNotAllowed(w, r, "erase a person with DELETE; what is known about one is asked for with GET", http.MethodDelete, http.MethodGet)
	}
	mux.HandleFunc("/api/profiles/{distinct_id}", eraseOnly)
	mux.HandleFunc("/api/profile", eraseOnly)
	mux.HandleFunc("GET /api/profiles/{distinct_id}/export", h.export)
	mux.HandleFunc("GET /api/profile/export", h.export)
	exportOnly := func(w http.ResponseWriter, r *http.Request) {
		web.WriteMethodNotAllowed(w, r, "ask for an export with GET", http.MethodGet)
	}
	mux.HandleFunc("/api/profiles/{distinct_id}/export", exportOnly)
	mux.HandleFunc("/api/profile/export", exportOnly)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		web.WriteError(w, r, fault.New(fault.NotFound,
			"no such route; there are DELETE /api/profiles/DISTINCT_ID and GET /api/profiles/DISTINCT_ID/export, with the id URL-escaped (a slash in it is %2F), and the same by /api/profile?id=DISTINCT_ID"))
	})
	return mux
}

func newHandler(d Deps) *handler {
	if d.MaxTime <= 0 {
		d.MaxTime = DefaultMaxTime
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	return &handler{d}
}

// take takes one of the key's turns to learn of people: an
// export, an erasure and a dry run each take one, whether or not anybody is found.
func (h *handler) take(key project.Key) error {
	if h.Limit == nil {
		return nil
	}
	return h.Limit.Take(key, key.Project.Settings.LookupLimit())
}

// fail answers with an error, or with nothing when the client went away.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		w.WriteHeader(statusClientGone)
		return
	}
	web.WriteError(w, r, err)
}
