package mixpanel_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"loch/shared/web"
	"loch/shared/wire/mixpanel"
)

// capture is a request that an unmodified SDK sent, as recorded.
type capture struct {
	Name    string            `json:"-"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    []byte            `json:"body_base64"`
	Decoded *struct {
		Data json.RawMessage `json:"data"`
	} `json:"decoded"`
	Given struct {
		Status int    `json:"status"`
		Body   string `json:"body"`
	} `json:"response_given"`
}

// captures reads the recorded requests to the write routes.
func captures(t testing.TB) []capture {
	t.Helper()
	files, err := filepath.Glob("testdata/captures/*.json")
	if err != nil || len(files) < 100 {
		t.Fatalf("found %d recorded requests (%v), want at least 100", len(files), err)
	}
	var list []capture
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c := capture{Name: strings.TrimSuffix(filepath.Base(f), ".json")}
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if _, ok := routeOf(c.URL); ok && c.Method != "OPTIONS" {
			list = append(list, c)
		}
	}
	return list
}

func routeOf(rawURL string) (mixpanel.Route, bool) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return 0, false
	}
	switch path := strings.TrimSuffix(u.Path, "/"); path[strings.LastIndexByte(path, '/')+1:] {
	case "track", "t":
		return mixpanel.Track, true
	case "engage":
		return mixpanel.Engage, true
	case "groups":
		return mixpanel.Groups, true
	case "import":
		return mixpanel.Import, true
	}
	return 0, false
}

var received = time.Date(2026, 11, 23, 21, 0, 0, 0, time.UTC)

func (c capture) request(t testing.TB) mixpanel.Request {
	t.Helper()
	u, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	route, _ := routeOf(c.URL)
	contentType := ""
	for k, v := range c.Headers {
		if strings.EqualFold(k, "content-type") {
			contentType = v
		}
	}
	return mixpanel.Request{Route: route, Query: u.Query(), ContentType: contentType, Body: c.Body, Received: received}
}

// Every record of every recorded request is decoded value for value, and the
// answer has the bytes that the SDK waits for.
func TestRecordedRequests(t *testing.T) {
	n := 0
	for _, c := range captures(t) {
		t.Run(c.Name, func(t *testing.T) {
			b, control, err := mixpanel.Decode(c.request(t))
			if err != nil || len(b.Rejected) > 0 {
				t.Fatalf("rejected: %v %+v", err, b.Rejected)
			}
			want := records(t, c.Decoded.Data)
			got := map[int]any{}
			for _, e := range b.Events {
				got[e.Index] = map[string]any{"event": e.Row.Name, "properties": parse(t, e.Properties)}
				n++
			}
			for _, u := range b.Updates {
				got[u.Index] = parse(t, u.Raw)
				n++
			}
			if len(got) != len(want) {
				t.Fatalf("got %d records, want %d", len(got), len(want))
			}
			for i, w := range want {
				if !reflect.DeepEqual(got[i], w) {
					t.Errorf("record %d:\n got %v\nwant %v", i, got[i], w)
				}
			}
			w := httptest.NewRecorder()
			control.Answer(w, mixpanel.Outcome{Good: len(want)}, web.Status)
			if w.Code != c.Given.Status || w.Body.String() != c.Given.Body {
				t.Errorf("answer %d %q, the SDK was given %d %q", w.Code, w.Body, c.Given.Status, c.Given.Body)
			}
		})
	}
	if n < 100 {
		t.Errorf("only %d records in all the recorded requests", n)
	}
}

func records(t *testing.T, text json.RawMessage) []any {
	t.Helper()
	v := parse(t, text)
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

func parse(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// FuzzDecode looks for input that breaks the decoder: every record must end as
// an event, an update or a rejection, and what is kept must be JSON.
func FuzzDecode(f *testing.F) {
	for _, c := range captures(f) {
		u, _ := url.Parse(c.URL)
		route, _ := routeOf(c.URL)
		f.Add(byte(route), u.RawQuery, "application/x-www-form-urlencoded", c.Body)
	}
	f.Add(byte(3), "strict=1", "application/json", []byte(`[{"event":"a","properties":{"time":1,"token":"x"}},{]`))
	f.Add(byte(0), "", "text/plain", []byte("data="+base64.StdEncoding.EncodeToString([]byte(`{"event":"a"}`))))
	f.Add(byte(3), "", "application/x-ndjson", []byte("garbage\n[{\"event\":\"a\",\"x\":\"\xff\",\"properties\":{\"token\":\"\\ud83d\"}}]\n{\"event\":\"b\",\"$mp_metadata\":{\"$mp_session_id\":\"s\"}}"))
	f.Add(byte(0), "data=e30", "application/json", []byte("\uFEFFip=1&data={}"))
	f.Fuzz(func(t *testing.T, route byte, query, contentType string, body []byte) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		r := mixpanel.Request{Route: mixpanel.Route(route % 4), Query: q, ContentType: contentType, Body: body, Received: received}
		b, control, err := mixpanel.Decode(r)
		if err != nil && (len(b.Rejected) != 1 || len(b.Events)+len(b.Updates) != 0) {
			t.Fatalf("a request that failed has %d records and %d rejections", len(b.Events)+len(b.Updates), len(b.Rejected))
		}
		for _, e := range b.Events {
			if !json.Valid(e.Properties) {
				t.Fatalf("kept properties that are not JSON: %q", e.Properties)
			}
			if e.Row.Context != "" && !json.Valid([]byte(e.Row.Context)) {
				t.Fatalf("kept a context that is not JSON: %q", e.Row.Context)
			}
			last := 0
			for _, s := range e.IDSpans {
				if s.Start < last || s.End > len(e.Properties) || !json.Valid(e.Properties[s.Start:s.End]) {
					t.Fatalf("an identifier's place is wrong: %v in %q", s, e.Properties)
				}
				last = s.End
			}
		}
		for _, u := range b.Updates {
			for _, op := range u.Ops {
				if op.Value != nil && !json.Valid(op.Value) {
					t.Fatalf("kept an operand that is not JSON: %q", op.Value)
				}
			}
		}
		w := httptest.NewRecorder()
		control.Answer(w, mixpanel.Outcome{Good: len(b.Events) + len(b.Updates), Failed: b.Rejected, Err: err}, web.Status)
	})
}
