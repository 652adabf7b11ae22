package mixpanel

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"loch/shared/event"
	"loch/shared/fault"
)

// Outcome is what became of a request: how many records are kept, which are
// not, or that the request failed as a whole.
type Outcome struct {
	Good   int
	Failed []event.Rejection
	Err    error // about the request; nothing was kept
}

// pixel is a transparent GIF of one point, for img=1.
var pixel = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")

// Answer writes the answer in the dialect that the client asked for. SDKs look
// at the exact bytes: node wants the body "1", Python and Ruby a status of 1,
// and the browser's drops its batch on every status but 413, 429 and 5xx.
func (c Control) Answer(w http.ResponseWriter, o Outcome, status func(fault.Code) int) {
	w.Header().Set("Cache-Control", "no-store")
	code, problem := c.verdict(o, status)
	if code == http.StatusServiceUnavailable || code == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "2")
	}
	if c.Route == Import && c.JSON {
		c.answerImport(w, o, code, problem)
		return
	}
	good := 1
	if problem != "" && o.Good == 0 {
		good = 0
	}
	switch {
	case c.Image:
		write(w, "image/gif", code, pixel)
	case c.Callback != "":
		body := c.Callback + "(" + strconv.Itoa(good) + ");"
		if c.Verbose {
			body = c.Callback + "(" + string(verbose(good, problem)) + ");"
		}
		write(w, "text/javascript; charset=utf-8", code, []byte(body))
	case c.Verbose:
		write(w, "application/json", code, verbose(good, problem))
	case code == http.StatusUnauthorized:
		// The documented form. With verbose=1 the status stays a number, since Go
		// decodes it into one and Python and Ruby compare it with one. Without, node
		// and PHP pass the body on as their error, and Swift, Android and Go's people
		// stop at the HTTP status: the first two keep what they have and come again.
		words, _ := json.Marshal(problem)
		write(w, "application/json", code, []byte(`{"error":`+string(words)+`,"status":"error"}`))
	default:
		write(w, "text/plain; charset=utf-8", code, []byte(strconv.Itoa(good)))
	}
}

// verdict is the status and, if anything is wrong, the words for it.
func (c Control) verdict(o Outcome, status func(fault.Code) int) (int, string) {
	if o.Err != nil {
		f := fault.From(o.Err)
		if f.Code == fault.Invalid && !(c.Route == Import && c.JSON) {
			return http.StatusOK, f.Error() // a status of 0 in the body says it
		}
		return status(f.Code), f.Error()
	}
	if len(o.Failed) == 0 {
		return http.StatusOK, ""
	}
	first := o.Failed[0]
	problem := strconv.Itoa(len(o.Failed)) + " of " + strconv.Itoa(len(o.Failed)+o.Good) + " records rejected; the first, at index " +
		strconv.Itoa(first.Index) + ": " + Explain(first)
	credential := func(r event.Rejection) bool {
		return r.Reason != event.ReasonUnknownToken && r.Reason != event.ReasonMissingToken
	}
	if o.Good == 0 && !slices.ContainsFunc(o.Failed, credential) {
		return http.StatusUnauthorized, problem
	}
	return http.StatusOK, problem
}

type failedRecord struct {
	Index    int    `json:"index"`
	InsertID string `json:"insert_id"`
	Dollar   string `json:"$insert_id"` // the documentation has both spellings, and so have clients
	Field    string `json:"field"`
	Message  string `json:"message"`
}

// answerImport writes /import's own shape. Records that are good are kept also
// when others fail; with strict=1 the status is 400 then.
func (c Control) answerImport(w http.ResponseWriter, o Outcome, code int, problem string) {
	if code == http.StatusOK && c.Strict && len(o.Failed) > 0 {
		code = http.StatusBadRequest
	}
	body := map[string]any{"code": code, "status": http.StatusText(code)}
	if code != http.StatusOK {
		body["error"] = problem
	}
	ofRecords := o.Err == nil || code == http.StatusBadRequest // the other answers are about the request alone
	if ofRecords {
		body["num_records_imported"] = o.Good
	}
	if ofRecords && len(o.Failed) > 0 {
		failed := make([]failedRecord, 0, len(o.Failed))
		for _, f := range o.Failed {
			id := f.InsertID
			if !isInsertID(id) {
				id = "" // it may be anything, an address of a person too
			}
			failed = append(failed, failedRecord{f.Index, id, id, f.Field, Explain(f)})
		}
		slices.SortFunc(failed, func(a, b failedRecord) int { return cmp.Compare(a.Index, b.Index) })
		body["failed_records"] = failed
	}
	text, _ := json.Marshal(body) // strings and numbers only
	write(w, "application/json", code, text)
}

func verbose(good int, problem string) []byte {
	if problem == "" {
		return []byte(`{"error":null,"status":1}`)
	}
	words, _ := json.Marshal(problem)
	return []byte(`{"error":` + string(words) + `,"status":` + strconv.Itoa(good) + `}`)
}

func write(w http.ResponseWriter, contentType string, code int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = w.Write(body) // the client has gone; what it sent is kept
}
