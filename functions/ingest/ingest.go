// Package ingest takes what websites send: events and profile updates.
//
// A request is decoded, its project found, each event checked, enriched and
// sealed; then everything is written, and only then the client gets its answer,
// in its own SDK's dialect. The walk is one function, take, and reads from top
// to bottom.
package ingest

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"loch/shared/enrich"
	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/vault"
	"loch/shared/web"
	"loch/shared/wire/mixpanel"
)

// Deps are what ingestion needs from outside.
type Deps struct {
	Registry project.Registry
	Vault    *vault.Vault
	Enricher *enrich.Enricher
	Sink     event.Sink
	Profiles profile.Store
	Merger   profile.Merger // usually the same store
	Counters *web.Counters
	Logger   *slog.Logger
	Now      func() time.Time
	Rand     io.Reader   // for request ids where web.Observe gave none
	Proxies  web.Proxies // reverse proxies that may say whom they speak for
	Budget   *web.Budget // memory for bodies and what is made of them; nil bounds nothing

	// RowFits tells whether the sink can keep a row; nil says that it can keep any. An
	// event whose row does not fit is rejected as too large.
	RowFits func(*event.Row) bool

	// MaxWalk is how long a request may be worked on before it is written, whether
	// its client is still there or not; 0 is DefaultMaxWalk.
	MaxWalk time.Duration
}

// DefaultMaxWalk is far more than a request of full size takes on a busy machine.
const DefaultMaxWalk = 30 * time.Second

type handler struct {
	Deps
	cleaners *cleaners
}

// New returns the handler of every write route. The routes may stand under a
// prefix of one segment of any name ("/x7/track"), since ad blockers match
// paths, and have one-letter forms for SDKs that let a site rename them.
func New(d Deps) http.Handler {
	if d.MaxWalk <= 0 {
		d.MaxWalk = DefaultMaxWalk
	}
	return web.IngestCORS(&handler{d, newCleaners()})
}

// ServeHTTP finds the route by the end of the path, with or without a slash
// behind it.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	segments := strings.FieldsFunc(r.URL.Path, func(c rune) bool { return c == '/' })
	if len(segments) == 0 {
		segments = []string{""}
	}
	if strings.Join(segments, "/") == importPath {
		h.importProfiles(w, r)
		return
	}
	last := segments[len(segments)-1]
	if route, ok := writeRoutes[last]; ok && mayPrefix(segments[:len(segments)-1]) {
		h.write(w, r, route)
		return
	}
	for name, answer := range harmless {
		at := len(segments) - strings.Count(name, "/") - 1
		if at >= 0 && mayPrefix(segments[:at]) && strings.Join(segments[at:], "/") == name {
			h.quiet(w, r, name, answer)
			return
		}
	}
	if len(segments) >= 2 && last == "first-time-events" {
		h.quiet(w, r, "flags/first-time-events", `{}`)
		return
	}
	web.NameRoute(r, "ingest/unknown")
	web.WriteError(w, r, fault.New(fault.NotFound,
		"there is nothing here; events go to /track, /engage, /groups or /import"))
}

var writeRoutes = map[string]mixpanel.Route{
	"track": mixpanel.Track, "engage": mixpanel.Engage, "groups": mixpanel.Groups, "import": mixpanel.Import,
	"t": mixpanel.Track, "e": mixpanel.Engage, "g": mixpanel.Groups,
}

// harmless are routes that SDKs ask beside the events. Loch has no flags and
// records no screens; an empty answer keeps the SDK quiet, an error would not.
var harmless = map[string]string{
	"flags":             `{"flags":{},"code":200}`,
	"flags/definitions": `{"flags":[]}`,
	"settings":          `{}`,
	"record":            `{"code":200,"status":"OK"}`,
	"decide":            `{"config":{},"notifications":[]}`,
}

// mayPrefix allows one segment before a route, unless it is the start of an
// API that is not Mixpanel's.
func mayPrefix(before []string) bool {
	switch len(before) {
	case 0:
		return true
	case 1:
		return before[0] != "api" && before[0] != "v1" && before[0] != "2"
	}
	return len(before) == 2 && before[1] == "api" // JS api_host "https://x/_mp/api"
}

// maxQuietBytes is how much of a body is read that nobody keeps.
const maxQuietBytes = 1 << 20

func (h *handler) quiet(w http.ResponseWriter, r *http.Request, name, answer string) {
	web.NameRoute(r, "ingest/"+name)
	_, _ = io.CopyN(io.Discard, r.Body, maxQuietBytes) // so that the connection can be used again
	web.NoStore(w)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, answer)
}

// write reads one write request, takes it and answers.
func (h *handler) write(w http.ResponseWriter, r *http.Request, route mixpanel.Route) {
	web.NameRoute(r, "ingest"+route.String())
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		web.WriteMethodNotAllowed(w, r, "send events with POST, or with GET and the parameter data", "GET", "POST", "OPTIONS")
		return
	}
	share := h.Budget.Share()
	defer share.Release()
	var body, scratch []byte
	var err error
	if r.Method == http.MethodPost {
		if body, err = web.Body(w, r, share, mixpanel.MaxBodyBytes); err == nil {
			scratch, err = share.Scratch(len(body))
		}
	}
	req := mixpanel.Request{
		Route: route, Query: r.URL.Query(), ContentType: r.Header.Get("Content-Type"),
		Body: body, Scratch: scratch, Client: web.ClientOf(r, h.Proxies), Received: h.Now(),
	}
	var outcome mixpanel.Outcome
	var control mixpanel.Control
	if err != nil {
		control, outcome = h.unread(r, req, err)
	} else {
		// Some clients do not wait for the answer: they write and go. What they sent
		// is here, so it is kept whoever still listens, within the time that is left.
		ctx, cancel := web.Detach(r.Context())
		defer cancel()
		control, outcome = h.take(ctx, share, req, mixpanel.CredentialOf(r), h.requestID(r))
	}
	control.Answer(w, outcome, web.Status)
}
