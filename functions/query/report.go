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
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
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
	statement, err := spec.Compile(h.dialect(), h.surroundings(key))
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
	answer, err := h.answer(r.Context(), key.Project, statement)
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
		if code := fault.CodeOf(err); code == fault.Invalid || code == fault.Forbidden {
			// Nobody but us wrote it.
			err = fault.Wrap(err, fault.Internal, "the engine does not take the statement of this report; ?explain=sql shows it, /api/sql says what is wrong with it")
		}
		return nil, err
	}
	return st.Answer(result)
}
