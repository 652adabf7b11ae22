// Package query answers questions about the lake over HTTP: reports (POST
// /api/reports/KIND), SQL that a person wrote (POST /api/sql), what events and
// properties there are (GET /api/schema), Mixpanel's query API (/api/query/CALL),
// and Mixpanel's raw export (GET /api/2.0/export), which gives events back in the
// form in which Mixpanel's tools expect them.
//
// It decides who may ask and how much; a report.Engine answers, and sees to it
// that only the asker's project is visible and nothing can be changed.
package query

import (
	"context"
	"errors"
	"net/http"
	"time"

	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/report"
	"loch/shared/schema"
	"loch/shared/sql"
	"loch/shared/web"
)

// The limits of a statement, where Deps leaves them open.
const (
	DefaultMaxRows = 10_000
	DefaultMaxTime = 20 * time.Second
	// DefaultMaxAtOnce lets a board of many reports through.
	DefaultMaxAtOnce = 20
)

// statusClientGone is what the log shows when nobody waited for the answer. No
// client ever sees it; nginx made the number known.
const statusClientGone = 499

// Deps are what the handler needs from outside.
type Deps struct {
	Registry project.Registry
	Engine   report.Engine
	Now      func() time.Time
	MaxRows  int           // rows of one SQL answer; 0 is DefaultMaxRows
	MaxTime  time.Duration // time of one statement; 0 is DefaultMaxTime
	Budget   *web.Budget   // memory for bodies; nil bounds nothing

	// MaxAtOnce is how many questions of one key are worked on at once, in this
	// process; 0 is DefaultMaxAtOnce.
	MaxAtOnce int

	// Dialect is what the engine speaks; nil is DuckDB's.
	Dialect sql.Dialect
	// Version names the state of a project's data: as long as it is the same, a
	// statement gives the same, and a report's result is kept. Empty, or a nil
	// Version: none is kept.
	Version func(ctx context.Context, project string) (string, error)

	// Schema knows the projects' events and properties; nil where nobody does.
	Schema schema.Source
}

type handler struct {
	*http.ServeMux
	Deps
	results *results
	turns   *turns
}

// New returns the handler of /api/reports, /api/sql, /api/schema and /api/2.0/export.
func New(d Deps) http.Handler {
	if d.MaxRows <= 0 {
		d.MaxRows = DefaultMaxRows
	}
	if d.MaxAtOnce <= 0 {
		d.MaxAtOnce = DefaultMaxAtOnce
	}
	if d.MaxTime <= 0 {
		d.MaxTime = DefaultMaxTime
	}
	mux := http.NewServeMux()
	h := &handler{mux, d, newResults(), newTurns(d.MaxAtOnce)}
	mux.HandleFunc("POST /api/sql", h.sql)
	mux.HandleFunc("/api/sql", func(w http.ResponseWriter, r *http.Request) {
		web.WriteMethodNotAllowed(w, r, `send the statement with POST, as JSON: {"sql":"SELECT count(*) FROM events"}`, http.MethodPost)
	})
	mux.HandleFunc("POST /api/reports/{kind}", h.report)
	mux.HandleFunc("/api/reports/{kind}", func(w http.ResponseWriter, r *http.Request) {
		web.WriteMethodNotAllowed(w, r, `send the report with POST, as JSON: {"from":"2026-11-01","to":"2026-11-30","series":[{"event":"Page View"}]}`, http.MethodPost)
	})
	mux.HandleFunc("GET /api/schema", h.schema)
	mux.HandleFunc("/api/schema", func(w http.ResponseWriter, r *http.Request) {
		web.WriteMethodNotAllowed(w, r, "ask for the schema with GET; ?event=NAME asks about one event", http.MethodGet)
	})
	mux.HandleFunc("GET /api/queries/{id}", h.queries)
	mux.HandleFunc("DELETE /api/queries/{id}", h.cancel)
	mux.HandleFunc("/api/queries/{id}", func(w http.ResponseWriter, r *http.Request) {
		web.WriteMethodNotAllowed(w, r, "look for the answer of a statement that takes long with GET, or end it with DELETE", http.MethodGet, http.MethodDelete)
	})
	mux.HandleFunc("GET /api/2.0/export", h.export)
	mux.HandleFunc("GET /api/2.0/export/{$}", h.export)
	mux.HandleFunc("/api/2.0/export", func(w http.ResponseWriter, r *http.Request) {
		web.WriteMethodNotAllowed(w, r, "ask for an export with GET and parameters: ?from_date=2026-01-01&to_date=2026-01-31", http.MethodGet)
	})
	mux.HandleFunc("GET /api/query/{call}", h.mixpanel)
	mux.HandleFunc("POST /api/query/{call}", h.mixpanel)
	mux.HandleFunc("GET /api/query/{call}/{part}", h.mixpanel)
	mux.HandleFunc("POST /api/query/{call}/{part}", h.mixpanel)
	mux.HandleFunc("GET /api/2.0/segmentation", h.mixpanel)
	mux.HandleFunc("POST /api/2.0/segmentation", h.mixpanel)
	mux.HandleFunc("GET /api/2.0/segmentation/{part}", h.mixpanel)
	mux.HandleFunc("POST /api/2.0/segmentation/{part}", h.mixpanel)
	mux.HandleFunc("GET /api/2.0/funnels", h.mixpanel)
	mux.HandleFunc("POST /api/2.0/funnels", h.mixpanel)
	mux.HandleFunc("GET /api/2.0/retention", h.mixpanel)
	mux.HandleFunc("POST /api/2.0/retention", h.mixpanel)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		web.WriteError(w, r, fault.New(fault.NotFound, "no such route; there are POST /api/reports/insights, POST /api/sql, GET /api/schema and GET /api/2.0/export"))
	})
	return h
}

// ask runs one statement for a project, no longer than MaxTime and no longer
// than the client waits.
func (h *handler) ask(ctx context.Context, p project.Project, statement string, rows int) (report.Result, error) {
	bounded, cancel := context.WithTimeout(ctx, h.MaxTime)
	defer cancel()
	start := h.Now()
	result, err := h.Engine.Query(bounded, p.ID, statement, report.Limits{Rows: rows, Time: h.MaxTime})
	if err == nil {
		if result.Elapsed == 0 {
			result.Elapsed = h.Now().Sub(start)
		}
		return result, nil
	}
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) && fault.CodeOf(err) != fault.Timeout {
		err = fault.Wrap(err, fault.Timeout, "the statement took longer than its time limit; ask for fewer days or fewer columns")
	}
	return report.Result{}, err
}

// fail answers with an error, or with nothing when the client went away.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		w.WriteHeader(statusClientGone)
		return
	}
	web.WriteError(w, r, err)
}
