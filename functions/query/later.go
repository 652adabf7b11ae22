package query

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/report"
	"loch/shared/web"
)

// A statement that is not done within MaxTime goes on, if the engine is patient, and
// the answer is 202 with a place in Location where it will be. Nothing is kept for
// that here: the place names the engine's id of the statement, and, of a report, what
// it takes to make an answer of rows.

// pending is the body of a 202.
type pending struct {
	ID       string `json:"id"`
	Status   string `json:"status"` // "running"
	Location string `json:"location"`
}

// again is when a client may look again, in seconds.
const again = "2"

func writePending(w http.ResponseWriter, id string, parameters url.Values) {
	location := "/api/queries/" + id
	if len(parameters) > 0 {
		location += "?" + parameters.Encode()
	}
	w.Header().Set("Location", location)
	w.Header().Set("Retry-After", again)
	web.WriteJSON(w, http.StatusAccepted, pending{id, "running", location})
}

// begin runs a statement, and returns its id if it is not done within MaxTime. A
// client that goes away meanwhile takes the statement with it.
func (h *handler) begin(ctx context.Context, p project.Project, statement string, rows int) (result report.Result, later string, err error) {
	engine, patient := h.Engine.(report.Patient)
	if !patient {
		result, err = h.ask(ctx, p, statement, rows)
		return result, "", err
	}
	start := h.Now()
	id, err := engine.Begin(ctx, p.ID, statement)
	if errors.Is(err, report.ErrAtOnce) {
		result, err = h.ask(ctx, p, statement, rows)
		return result, "", err
	}
	if err != nil {
		return result, "", err
	}
	result, done, err := engine.Fetch(ctx, p.ID, id, report.Limits{Rows: rows, Time: h.MaxTime}, h.MaxTime)
	switch {
	case err == nil && !done && ctx.Err() == nil:
		return result, id, nil
	case err != nil || !done:
		engine.Stop(ctx, id)
		if err == nil {
			err = ctx.Err()
		}
		return report.Result{}, "", err
	case result.Elapsed == 0:
		result.Elapsed = h.Now().Sub(start)
	}
	return result, "", nil
}

// queries answers GET /api/queries/{id}: the answer of a statement that took long, or
// 202 again.
func (h *handler) queries(w http.ResponseWriter, r *http.Request) {
	key, err := web.Authorize(r, h.Registry, project.Read)
	if err == nil {
		// Rows that a report would hide could be had by leaving the report out.
		err = mayCountOne(key)
	}
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	engine, patient := h.Engine.(report.Patient)
	if !patient {
		web.WriteError(w, r, errAtOnceHere)
		return
	}
	parameters := r.URL.Query()
	statement, rows, err := h.asked(key, parameters)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	id := r.PathValue("id")
	result, done, err := engine.Fetch(r.Context(), key.Project.ID, id, report.Limits{Rows: rows, Time: h.MaxTime}, h.MaxTime)
	switch {
	case err != nil:
		fail(w, r, err)
		return
	case !done:
		writePending(w, id, parameters)
		return
	case statement == nil:
		writeRows(w, result)
		return
	}
	answer, err := statement.Answer(result)
	if err != nil {
		fail(w, r, err)
		return
	}
	web.WriteJSON(w, http.StatusOK, answer)
}

var errAtOnceHere = fault.New(fault.NotFound, "there is no statement of this id; statements are answered at once here")

// cancel answers DELETE /api/queries/{id}: the statement ends, and has no answer. One
// that has ended keeps its own.
func (h *handler) cancel(w http.ResponseWriter, r *http.Request) {
	key, err := web.Authorize(r, h.Registry, project.Read)
	engine, patient := h.Engine.(report.Patient)
	if err == nil && !patient {
		err = errAtOnceHere
	}
	if err == nil {
		err = engine.Cancel(r.Context(), key.Project.ID, r.PathValue("id"))
	}
	if err != nil {
		fail(w, r, err)
		return
	}
	web.NoStore(w)
	w.WriteHeader(http.StatusNoContent)
}

// asked reads what was asked out of a place's parameters: a report, or else rows of SQL.
func (h *handler) asked(key project.Key, parameters url.Values) (*report.Statement, int, error) {
	kind := parameters.Get("report")
	if kind == "" {
		rows := h.MaxRows
		if text := parameters.Get("limit"); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return nil, 0, fault.New(fault.Invalid, "the limit must be a whole number from 1").At("limit")
			}
			rows = min(rows, n)
		}
		return nil, rows, nil
	}
	spec, err := unpackSpec(parameters.Get("spec"))
	if err != nil {
		return nil, 0, err
	}
	at, err := strconv.ParseInt(parameters.Get("at"), 10, 64)
	if err != nil {
		return nil, 0, fault.New(fault.Invalid, "take the address as it stood in Location").At("at")
	}
	parsed, err := report.Parse(kind, spec)
	if err != nil {
		return nil, 0, err
	}
	env := h.surroundings(key)
	env.Now = time.UnixMilli(at).UTC()
	statement, err := parsed.Compile(h.dialect(), env)
	return statement, report.MaxRows, err
}

// reportParameters are those of the place of a report's answer. ok is false for a
// report that does not fit into an address.
func reportParameters(kind string, spec []byte, at time.Time) (parameters url.Values, ok bool) {
	const most = 6 << 10 // an HTTP API takes 10 KB of request line and headers
	packed := packSpec(spec)
	return url.Values{"report": {kind}, "spec": {packed}, "at": {strconv.FormatInt(at.UnixMilli(), 10)}}, len(packed) <= most
}

func packSpec(spec []byte) string {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err == nil {
		_, err = w.Write(spec)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // a buffer takes everything
	}
	return base64.RawURLEncoding.EncodeToString(b.Bytes())
}

func unpackSpec(text string) ([]byte, error) {
	packed, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		var spec []byte
		if spec, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), report.MaxSpecBytes+1)); err == nil {
			return spec, nil
		}
	}
	return nil, fault.Wrap(err, fault.Invalid, "take the address as it stood in Location").At("spec")
}
