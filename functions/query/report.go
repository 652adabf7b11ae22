package query

import (
	"context"
	"net/http"

	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/report"
	"loch/shared/sql"
	"loch/shared/web"
)

// report answers POST /api/reports/KIND: a spec in, the answer out. With
// ?explain=sql it answers with the statement that it would run, with ?explain=cost
// with what that would cost on Athena.
func (h *handler) report(w http.ResponseWriter, r *http.Request) {
	key, err := web.Authorize(r, h.Registry, project.Read)
	giveBack, ok := h.admit(w, r, key, err)
	if !ok {
		return
	}
	defer giveBack()
	share := h.Budget.Share()
	defer share.Release()
	body, err := web.Body(w, r, share, report.MaxSpecBytes)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	spec, err := report.Parse(r.PathValue("kind"), body)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	env := h.surroundings(key)
	statement, err := spec.Compile(h.dialect(), env)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	switch explain := r.URL.Query().Get("explain"); explain {
	case "":
	case "sql":
		web.WriteJSON(w, http.StatusOK, explanation{statement.SQL, statement.Columns})
		return
	case "cost":
		c, err := h.price(r.Context(), key, spec)
		if err != nil {
			fail(w, r, err)
			return
		}
		web.WriteJSON(w, http.StatusOK, c)
		return
	default:
		web.WriteError(w, r, fault.New(fault.Invalid, "it can be sql or cost, or left out").At("explain"))
		return
	}
	var answer any
	// What is hidden from this key must not be had by its id, see queries.
	_, patient := h.Engine.(report.Patient)
	if place, fits := reportParameters(r.PathValue("kind"), body, env.Now); patient && fits && mayCountOne(key) == nil {
		var result report.Result
		var later string
		if result, later, err = h.begin(r.Context(), key.Project, statement.SQL, report.MaxRows); later != "" {
			writePending(w, later, place)
			return
		}
		if err = ours(err); err == nil {
			answer, err = statement.Answer(result)
		}
	} else {
		answer, err = h.answer(r.Context(), key.Project, statement)
	}
	if err != nil {
		fail(w, r, err)
		return
	}
	web.WriteJSON(w, http.StatusOK, answer)
}

// explanation is what a report would run, in place of its answer.
type explanation struct {
	SQL     string           `json:"sql"`
	Columns []report.Meaning `json:"columns"`
}

func (h *handler) dialect() sql.Dialect {
	if h.Dialect == nil {
		return sql.DuckDB
	}
	return h.Dialect
}

// surroundings are what a report takes from the project. A key that may not see
// single people may not count small groups of them either.
func (h *handler) surroundings(key project.Key) report.Env {
	s := &key.Project.Settings
	env := report.Env{Timezone: s.Timezone, SessionGap: s.SessionGap(), Now: h.Now()}
	if !key.Scope.Allows(project.PII) {
		env.MinCell = int64(s.Privacy.MinCell)
	}
	return env
}

// answer runs a statement, or takes what it gave before where the data have not
// changed since.
func (h *handler) answer(ctx context.Context, p project.Project, st *report.Statement) (any, error) {
	version := ""
	if h.Version != nil {
		var err error
		if version, err = h.Version(ctx, p.ID); err != nil {
			return nil, err
		}
	}
	result, err := h.results.get(ctx, keyOf(p.ID, st.SQL, version), version != "", func(ctx context.Context) (report.Result, error) {
		return h.ask(ctx, p, st.SQL, report.MaxRows)
	})
	if err != nil {
		return nil, ours(err)
	}
	return st.Answer(result)
}

// ours is the error of a statement that nobody but us wrote.
func ours(err error) error {
	if code := fault.CodeOf(err); err != nil && (code == fault.Invalid || code == fault.Forbidden) {
		return fault.Wrap(err, fault.Internal, "the engine does not take the statement of this report; ?explain=sql shows it, /api/sql says what is wrong with it")
	}
	return err
}
