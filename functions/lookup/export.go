package lookup

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/roster"
	"loch/shared/vault"
	"loch/shared/web"
)

// exportPage is how many people are read and written at a time, so that memory does
// not grow with their number.
const exportPage = 500

// exportPause is about how long an export in clear waits between two pages: no proxy
// takes it for dead.
const exportPause = 15 * time.Second

// export answers GET /api/profiles.ndjson: everybody who passes a filter, a line
// each, in the order of ids, so that an export that broke off goes on behind the
// last whole line (?after=PERSON_ID). A body that ends well is whole; where
// something fails on the way, the connection is cut.
//
// Personal traits are in it for a key of scope pii, under the same limit and ledger
// as look-ups: the lines come as fast as the key has turns, and its look-ups meanwhile
// come first. Where Deps.Everybody is set, on the data folder's own socket, there is
// no limit, but the ledger names everybody all the same.
func (h *handler) export(w http.ResponseWriter, r *http.Request) {
	key, err := web.Authorize(r, h.Registry, project.Read)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	l, after, err := readExport(r, key)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	l.unlimited, l.together = true, true // waits for its turns
	q := roster.Query{Project: key.Project.ID, GroupKey: l.groupKey, Order: roster.PersonID, Limit: exportPage}
	if q.Match, err = roster.Compile(l.where); err == nil && l.cohort != nil {
		q.Among, err = h.didIt(r.Context(), q.Project, *l.cohort)
	}
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	waits := 0 // for so many turns a minute
	if l.clear && !h.Everybody {
		waits = key.Project.Settings.LookupLimit()
		q.Limit = min(q.Limit, max(1, waits*int(exportPause/time.Second)/60))
	}
	if after != "" {
		q.After = &roster.Place{ID: after}
	}
	for begun := false; ; begun = true {
		next, err := h.exportSome(w, r, l, q, waits, begun)
		if err != nil && !begun {
			web.WriteError(w, r, err)
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler) // half an export must not look whole
		}
		if next == nil {
			return
		}
		q.After = next
	}
}

// exportSome writes a page and returns where the next begins.
func (h *handler) exportSome(w http.ResponseWriter, r *http.Request, l *listing, q roster.Query, waits int, begun bool) (next *roster.Place, err error) {
	page, err := h.people(r.Context(), q)
	if err != nil {
		return nil, err
	}
	if n := len(page.Profiles); waits > 0 && n > 0 {
		if err := h.Limit.Wait(r.Context(), l.key, n, waits, h.Pause); err != nil {
			return nil, fault.Wrap(err, fault.Timeout, "the export was given up while it waited for its turn")
		}
		q.Limit = n
		if page, err = h.people(r.Context(), q); err != nil { // somebody may have been erased meanwhile
			return nil, err
		}
	}
	var a listAnswer
	if err := h.showAll(r, l, page.Profiles, &a); err != nil {
		return nil, err
	}
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	enc.SetEscapeHTML(false)
	for i := range a.Profiles {
		if err := enc.Encode(a.Profiles[i]); err != nil {
			return nil, err
		}
	}
	if !begun {
		header := w.Header()
		header.Set("Content-Type", "application/x-ndjson; charset=utf-8")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Profiles", strconv.Itoa(page.Count)) // in all, those before ?after included
		web.NoStore(w)
		w.WriteHeader(http.StatusOK)
	}
	if _, err := w.Write(lines.Bytes()); err != nil {
		return nil, err
	}
	return page.Next, http.NewResponseController(w).Flush()
}

// readExport reads the parameters: a list's, without its order and pages.
func readExport(r *http.Request, key project.Key) (l *listing, after string, err error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, "", fault.Wrap(err, fault.Invalid, "the query string cannot be read; escape its values (curl: -G --data-urlencode)")
	}
	for _, name := range []string{"order", "limit", "cursor"} {
		if values.Has(name) {
			return nil, "", fault.New(fault.Invalid, "an export is in the order of ids and whole; it goes on with after=PERSON_ID").At(name)
		}
	}
	if len(values["after"]) > 1 {
		return nil, "", fault.New(fault.Invalid, "the parameter is there twice").At("after")
	}
	if after = values.Get("after"); after != "" && !vault.IsID(after) {
		return nil, "", fault.New(fault.Invalid, "an export goes on behind the person_id of its last line").At("after")
	}
	values.Del("after")
	rest := *r
	rest.URL = &url.URL{RawQuery: values.Encode()}
	if l, err = readListing(&rest, key); err != nil {
		return nil, "", err
	}
	if len(l.personal) > 0 {
		return nil, "", fault.New(fault.Invalid, "an export has no filter on personal traits; list those people instead").At(l.personal[0].Place())
	}
	return l, after, nil
}
