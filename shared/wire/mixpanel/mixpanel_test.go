package mixpanel_test

import (
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/web"
	"loch/shared/wire"
	"loch/shared/wire/mixpanel"
)

func decode(t *testing.T, route mixpanel.Route, query, contentType, body string) (wire.Batch, mixpanel.Control, error) {
	t.Helper()
	q, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return mixpanel.Decode(mixpanel.Request{Route: route, Query: q, ContentType: contentType, Body: []byte(body), Received: received})
}

// One event arrives the same by every encoding that an SDK uses.
func TestEveryEncoding(t *testing.T) {
	one := `{"event":"Añ?>~","properties":{"token":"T","distinct_id":"u","n":12345678901234567890123}}`
	b64 := base64.StdEncoding.EncodeToString([]byte(one))
	form := "application/x-www-form-urlencoded"
	for name, c := range map[string]struct{ query, contentType, body string }{
		"base64 in a form":             {"", form, "data=" + url.QueryEscape(b64)},
		"raw base64 in a form":         {"", form, "data=" + b64},
		"raw base64, pluses to spaces": {"", form, "data=" + strings.ReplaceAll(b64, "+", " ")},
		"base64 without padding":       {"", form, "data=" + strings.TrimRight(b64, "=")},
		"base64, URL alphabet":         {"", form, "data=" + base64.RawURLEncoding.EncodeToString([]byte(one))},
		"JSON in a form":               {"", form, "data=" + url.QueryEscape(one)},
		"JSON array in a form":         {"", form, "data=" + url.QueryEscape("["+one+"]")},
		"base64 in the query":          {"data=" + url.QueryEscape(b64), "", ""},
		"JSON in the query":            {"data=" + url.QueryEscape(one), "", ""},
		"JSON":                         {"", "application/json", one},
		"JSON array":                   {"", "application/json; charset=utf-8", " [ " + one + " ] "},
		"NDJSON":                       {"", "application/x-ndjson", one + "\n"},
		"JSON as text/plain":           {"", "text/plain;charset=UTF-8", "[" + one + "]"},
		"beacon: a form as text/plain": {"", "text/plain;charset=UTF-8", "data=" + url.QueryEscape(b64)},
		"a form without a type":        {"", "", "data=" + url.QueryEscape(b64)},
		"parameters before data":       {"", form, "verbose=1&ip=0&data=" + url.QueryEscape(b64)},
		"parameters after data":        {"", form, "data=" + url.QueryEscape(b64) + "&verbose=1&ip=0"},
		"upper-case type":              {"", "Application/JSON", one},
		"JSON's type, data in query":   {"data=" + url.QueryEscape(b64), "application/json", ""},
		"JSON's type, form as body":    {"", "application/json", "verbose=1&data=" + url.QueryEscape(b64)},
		"BOM before JSON":              {"", "application/json", "\uFEFF" + one},
		"BOM before JSON, text/plain":  {"", "text/plain", "\uFEFF[" + one + "]"},
		"BOM before JSON in a form":    {"", form, "data=" + url.QueryEscape("\uFEFF"+one)},
		"BOM inside base64":            {"", form, "data=" + base64.StdEncoding.EncodeToString([]byte("\uFEFF"+one))},
	} {
		t.Run(name, func(t *testing.T) {
			b, control, err := decode(t, mixpanel.Track, c.query, c.contentType, c.body)
			if err != nil || len(b.Events) != 1 {
				t.Fatalf("got %d events, %v", len(b.Events), err)
			}
			e := b.Events[0]
			if e.Row.Name != "Añ?>~" || e.Token != "T" || e.IDs.User != "u" || !strings.Contains(string(e.Properties), `"n":12345678901234567890123`) {
				t.Errorf("got %q %q %q %s", e.Row.Name, e.Token, e.IDs.User, e.Properties)
			}
			if strings.HasPrefix(name, "parameters") && !control.Verbose {
				t.Error("verbose in the body was not seen")
			}
		})
	}
}

// A bad record never fails its neighbours, and says what is wrong with it.
func TestBadRecordsStandAlone(t *testing.T) {
	good := `{"event":"good","properties":{"token":"T","distinct_id":"u"}}`
	for _, c := range []struct {
		bad    string
		reason event.Reason
		field  string
	}{
		{`7`, event.ReasonWrongType, ""},
		{`null`, event.ReasonWrongType, ""},
		{`{}`, event.ReasonMissingField, "event"},
		{`{"event":5}`, event.ReasonWrongType, "event"},
		{`{"event":"x","properties":[]}`, event.ReasonWrongType, "properties"},
		{`{"event":"x","properties":{"time":"yesterday"}}`, event.ReasonBadTime, "properties.time"},
		{`{"event":"x","properties":{"time":{}}}`, event.ReasonWrongType, "properties.time"},
		{`{"event":"x","properties":{"time":1e300}}`, event.ReasonBadTime, "properties.time"},
		{`{"event":"x","properties":{"distinct_id":{"a":1}}}`, event.ReasonWrongType, "properties.distinct_id"},
		{`{"event":"x","properties":{"token":1}}`, event.ReasonWrongType, "properties.token"},
		{`{"event":"x","properties":{"$ignore":true}}`, event.ReasonIgnored, "properties.$ignore"},
		{`{broken}`, event.ReasonUndecodable, ""},
		{`{"a":"\x"}`, event.ReasonUndecodable, ""},
		{`{"event":"x","properties":{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}`, event.ReasonTooDeep, ""},
		{strings.Repeat("[", 1_000_000) + strings.Repeat("]", 1_000_000), event.ReasonTooDeep, ""},
		{`{"event":"x","properties":{"a":"` + strings.Repeat("x", mixpanel.MaxRecordBytes) + `"}}`, event.ReasonTooLarge, ""},
		{`{"event":"x","properties":{"` + strings.Repeat("n", 2000) + `":1}}`, event.ReasonNameTooLong, "properties"},
	} {
		for _, shape := range []struct{ contentType, body string }{
			{"application/json", "[" + good + "," + c.bad + "," + good + "]"},
			{"application/x-ndjson", good + "\n" + c.bad + "\n" + good},
		} {
			b, _, err := decode(t, mixpanel.Track, "", shape.contentType, shape.body)
			if err != nil || len(b.Events) != 2 || len(b.Rejected) != 1 {
				t.Errorf("%.60s as %s: %d events, %d rejected, %v", c.bad, shape.contentType, len(b.Events), len(b.Rejected), err)
				continue
			}
			r := b.Rejected[0]
			if r.Reason != c.reason || r.Field != c.field || r.Index != 1 {
				t.Errorf("%.60s: got %s %q at %d, want %s %q at 1", c.bad, r.Reason, r.Field, r.Index, c.reason, c.field)
			}
			if mixpanel.Explain(r) == "" {
				t.Errorf("no words for %s", r.Reason)
			}
			if b.Events[1].Index != 2 {
				t.Errorf("%.60s: the event after it has index %d", c.bad, b.Events[1].Index)
			}
		}
	}
}

// A broken first line fails alone, like any other; a body in which nothing is a
// record is refused as a whole, in one rejection, however many lines it has.
func TestBrokenFirstLine(t *testing.T) {
	good := `{"event":"good","properties":{"token":"T","distinct_id":"u"}}`
	for _, bad := range []string{`garbage`, `garbage & more`, `[garbage`, `[1]`, `5`, `{"event":"x",`, `{bad}`, `"text"`, `]`} {
		for _, route := range []mixpanel.Route{mixpanel.Track, mixpanel.Import} {
			b, _, err := decode(t, route, "", "application/x-ndjson", bad+"\n"+good+"\n"+good)
			if err != nil || len(b.Events) != 2 || len(b.Rejected) != 1 || b.Rejected[0].Index != 0 || b.Events[1].Index != 2 {
				t.Errorf("%s: %d events, %+v, %v", bad, len(b.Events), b.Rejected, err)
			}
		}
	}
	for name, body := range map[string]string{
		"one line": "garbage", "three lines": "garbage\nmore\n}", "numbers": "1\n2", "no array": "[garbage\nmore", "lines without end": strings.Repeat("x\n", 5000),
	} {
		for _, contentType := range []string{"application/x-ndjson", "application/json"} {
			b, _, err := decode(t, mixpanel.Import, "", contentType, body)
			if fault.CodeOf(err) != fault.Invalid || len(b.Rejected) != 1 || b.Rejected[0].Index != -1 || b.Rejected[0].Reason != event.ReasonUndecodable {
				t.Errorf("%s as %s: %v, %d rejected", name, contentType, err, len(b.Rejected))
			}
		}
	}
}

// Text that is no UTF-8 is mended, and only the events in which it stood say so.
func TestReplacedTextIsFlaggedWhereItStood(t *testing.T) {
	const genuine = "\uFFFD" // this is what the website sent
	body := `[{"event":"a","properties":{"x":"` + genuine + `","token":"T"}},
		{"event":"b","properties":{"x":"` + "\xff" + `","distinct_id":"ü-1","token":"T"}},
		{"event":"c","properties":{"x":"\ud83d","token":"T"}},{"event":"d","properties":{"x":"\ud83d\ude00","token":"T"}}]`
	b, _, err := decode(t, mixpanel.Track, "", "application/json", body)
	if err != nil || len(b.Events) != 4 {
		t.Fatalf("%d events, %+v, %v", len(b.Events), b.Rejected, err)
	}
	for i, want := range []struct{ flags, properties string }{
		{"", `{"x":"` + genuine + `","token":"T"}`},
		{event.FlagTextReplaced, `{"x":"` + "\uFFFD" + `","distinct_id":"ü-1","token":"T"}`},
		{event.FlagTextReplaced, `{"x":"\uFFFD","token":"T"}`},
		{"", `{"x":"\ud83d\ude00","token":"T"}`},
	} {
		e := b.Events[i]
		if e.Row.Flags != want.flags || string(e.Properties) != want.properties || e.Token != "T" {
			t.Errorf("event %d: %q %s", i, e.Row.Flags, e.Properties)
		}
		for _, s := range e.IDSpans {
			if got := string(e.Properties[s.Start:s.End]); got != `"ü-1"` {
				t.Errorf("an identifier's place holds %s", got)
			}
		}
	}
	if u, _, err := decode(t, mixpanel.Engage, "", "application/json", `{"$token":"T","$distinct_id":"u","$set":{"a":"`+"\xff"+`"}}`); err != nil ||
		len(u.Updates) != 1 || string(u.Updates[0].Ops[0].Value) != "\"\uFFFD\"" {
		t.Errorf("an update: %+v %v", u, err)
	}
}

// What a record says beside its name and properties is kept value for value, but
// for what nothing would seal there.
func TestContext(t *testing.T) {
	const metadata = `{"$mp_event_id":"e1", "$mp_session_id":"s1","$mp_session_seq_id":5,"$mp_session_start_sec":1700000000.10}`
	for _, c := range []struct{ record, context, session string }{
		{`{"event":"e","properties":{"token":"T"},"$mp_metadata":` + metadata + `}`, `{"$mp_metadata":` + metadata + `}`, "s1"},
		{`{"a":1.50,"event":"e","b":[1, 2],"properties":{"token":"T","$mp_session_id":"own"},"$mp_metadata":` + metadata + `,"a":null}`,
			`{"a":1.50,"b":[1, 2],"$mp_metadata":` + metadata + `,"a":null}`, "own"},
		{`{"event":"e","properties":{"token":"T"},"$mp_metadata":7}`, `{"$mp_metadata":7}`, ""},
		{`{"event":"e","properties":{"token":"T"},"$mp_metadata":{"$mp_session_id":7}}`, `{"$mp_metadata":{"$mp_session_id":7}}`, ""},
		{`{"event":"e","properties":{"token":"T"}}`, "", ""},
		{`{"event":"e","x":1}`, `{"x":1}`, ""},
		{`{"event":"e","event":"f","properties":{"token":"T"}}`, "", ""},
		{`{"event":"e","properties":{},"properties":{"token":"T"},"distinct_id":"u","\u0074oken":"T","$ip":"8.8.8.8","user_agent":"M","loch_merged":{}}`, "", ""},
	} {
		b, _, err := decode(t, mixpanel.Track, "", "application/json", "["+c.record+"]")
		if err != nil || len(b.Events) != 1 {
			t.Errorf("%s: %+v, %v", c.record, b.Rejected, err)
			continue
		}
		if row := b.Events[0].Row; row.Context != c.context || row.SessionID != c.session {
			t.Errorf("%s: context %s, session %q", c.record, row.Context, row.SessionID)
		}
	}
}

// A rejection says whose it is and which, wherever in the record that stands.
func TestARejectionKeepsTokenAndInsertID(t *testing.T) {
	for _, bad := range []string{
		`{"event":"x","properties":{"time":"yesterday","$insert_id":"i1","token":"T"}}`,
		`{"properties":{"$insert_id":"i1","token":"T"}}`,
		`{"event":7,"properties":{"$insert_id":"i1","token":"T","time":1}}`,
		`{"event":"x","properties":{"distinct_id":[],"$insert_id":"i1","token":"T","$ignore":true}}`,
	} {
		b, _, err := decode(t, mixpanel.Track, "", "application/json", bad)
		if err != nil || len(b.Rejected) != 1 || b.Rejected[0].Token != "T" || b.Rejected[0].InsertID != "i1" {
			t.Errorf("%s: %v %+v", bad, err, b.Rejected)
		}
	}
}

func TestRequestsThatFailAsAWhole(t *testing.T) {
	many := "[" + strings.Repeat(`{"event":"x"},`, mixpanel.MaxRecords) + `{"event":"x"}]`
	for name, c := range map[string]struct {
		body string
		code fault.Code
	}{
		"empty":            {"", fault.Invalid},
		"no data":          {"verbose=1", fault.Invalid},
		"not base64":       {"data=%%%", fault.Invalid},
		"not JSON":         {"data=" + base64.StdEncoding.EncodeToString([]byte("hello")), fault.Invalid},
		"cut":              {`data={"event":"x"`, fault.Invalid},
		"a number":         {"data=" + base64.StdEncoding.EncodeToString([]byte("5")), fault.Invalid},
		"too many records": {many, fault.TooLarge},
	} {
		b, _, err := decode(t, mixpanel.Track, "", "text/plain", c.body)
		if err == nil || fault.CodeOf(err) != c.code || len(b.Rejected) != 1 || b.Rejected[0].Index != -1 || b.Received() != 1 {
			t.Errorf("%s: got %v and %d rejections", name, err, len(b.Rejected))
		}
	}
}

func TestTimesIdentityAndAddress(t *testing.T) {
	for _, c := range []struct {
		query, properties string
		timeMS            int64
		user, device      string
		rule              event.AddressRule
		address           string
	}{
		{"ip=1", `"time":1795465174.682,"distinct_id":"$device:d","$device_id":"d"`, 1795465174682, "", "d", event.AddressOfRequest, ""},
		{"ip=0", `"time":1767323045678,"distinct_id":"u"`, 1767323045678, "u", "", event.AddressNone, ""},
		{"", `"time":1767323045,"distinct_id":7`, 1767323045000, "7", "", event.AddressOfRequest, ""},
		{"", `"time":"1767323045","distinct_id":"$device:x"`, 1767323045000, "", "x", event.AddressOfRequest, ""},
		{"ip=0", `"ip":"203.0.113.9","$user_id":"u","$device_id":"d","distinct_id":"other"`, 0, "u", "d", event.AddressOfEvent, "203.0.113.9"},
		{"ip=1", `"ip":"203.0.113.9","distinct_id":null`, 0, "", "", event.AddressOfRequest, ""},
		{"", `"ip":0,"distinct_id":""`, 0, "", "", event.AddressNone, ""},
		{"", `"ip":"nonsense","distinct_id":"undefined"`, 0, "", "", event.AddressNone, ""},
	} {
		b, _, err := decode(t, mixpanel.Track, c.query, "application/json", `{"event":"e","properties":{`+c.properties+`}}`)
		if err != nil || len(b.Events) != 1 {
			t.Fatalf("%s: %v %v", c.properties, err, b.Rejected)
		}
		e := b.Events[0]
		if e.Row.TimeMS != c.timeMS || e.IDs.User != c.user || e.IDs.Device != c.device || e.AddressRule != c.rule {
			t.Errorf("%s: got %d %q %q %d", c.properties, e.Row.TimeMS, e.IDs.User, e.IDs.Device, e.AddressRule)
		}
		if c.address != "" && e.Address.String() != c.address {
			t.Errorf("%s: address %v", c.properties, e.Address)
		}
	}
}

func TestAnswersInEachDialect(t *testing.T) {
	unknown := []event.Rejection{{Index: 0, InsertID: "i1", Reason: event.ReasonUnknownToken, Field: "properties.token"}}
	bad := []event.Rejection{{Index: 1, InsertID: "i2", Reason: event.ReasonBadTime, Field: "properties.time"}}
	whole := []event.Rejection{{Index: -1, Reason: event.ReasonForbiddenWrite}}
	down := fault.New(fault.Unavailable, "no room")
	for _, c := range []struct {
		name    string
		control mixpanel.Control
		outcome mixpanel.Outcome
		code    int
		body    string // a prefix
	}{
		{"plain", mixpanel.Control{}, mixpanel.Outcome{Good: 1}, 200, "1"},
		{"plain, nothing valid", mixpanel.Control{}, mixpanel.Outcome{Failed: bad}, 200, "0"},
		{"plain, partly", mixpanel.Control{}, mixpanel.Outcome{Good: 1, Failed: bad}, 200, "1"},
		{"verbose", mixpanel.Control{Verbose: true}, mixpanel.Outcome{Good: 2}, 200, `{"error":null,"status":1}`},
		{"verbose, nothing valid", mixpanel.Control{Verbose: true}, mixpanel.Outcome{Failed: bad}, 200, `{"error":"1 of 1 records rejected; the first, at index 1: properties.time: `},
		{"unknown token", mixpanel.Control{}, mixpanel.Outcome{Failed: unknown}, 401, `{"error":"1 of 1 records rejected; the first, at index 0: properties.token: no project has this token; compare it with the token in credentials.json","status":"error"}`},
		{"unknown token, verbose", mixpanel.Control{Verbose: true}, mixpanel.Outcome{Failed: unknown}, 401, `{"error":"1 of 1 records rejected; the first, at index 0: properties.token: no project has this token; compare it with the token in credentials.json","status":0}`},
		{"import, wrong secret", mixpanel.Control{Route: mixpanel.Import, JSON: true, Strict: true}, mixpanel.Outcome{Failed: whole, Err: fault.New(fault.Unauthorized, "wrong")}, 401,
			`{"code":401,"error":"wrong","status":"Unauthorized"}`},
		{"import as a form, wrong secret", mixpanel.Control{Route: mixpanel.Import}, mixpanel.Outcome{Failed: whole, Err: fault.New(fault.Unauthorized, "wrong")}, 401, `{"error":"wrong","status":"error"}`},
		{"undecodable", mixpanel.Control{Verbose: true}, mixpanel.Outcome{Err: fault.New(fault.Invalid, "bad")}, 200, `{"error":"bad","status":0}`},
		{"no room", mixpanel.Control{}, mixpanel.Outcome{Err: down}, 503, "0"},
		{"no room, verbose", mixpanel.Control{Verbose: true}, mixpanel.Outcome{Err: down}, 503, `{"error":"no room","status":0}`},
		{"too large", mixpanel.Control{}, mixpanel.Outcome{Err: fault.New(fault.TooLarge, "big")}, 413, "0"},
		{"image", mixpanel.Control{Image: true}, mixpanel.Outcome{Good: 1}, 200, "GIF89a"},
		{"callback", mixpanel.Control{Callback: "mp.done"}, mixpanel.Outcome{Good: 1}, 200, "mp.done(1);"},
		{"import", mixpanel.Control{Route: mixpanel.Import, JSON: true}, mixpanel.Outcome{Good: 3}, 200, `{"code":200,"num_records_imported":3,"status":"OK"}`},
		{"import, strict", mixpanel.Control{Route: mixpanel.Import, JSON: true, Strict: true}, mixpanel.Outcome{Good: 1, Failed: bad}, 400,
			`{"code":400,"error":"1 of 2 records rejected; the first, at index 1: properties.time: `},
		{"import, lenient", mixpanel.Control{Route: mixpanel.Import, JSON: true}, mixpanel.Outcome{Good: 1, Failed: bad}, 200, `{"code":200,"failed_records":[{"index":1,"insert_id":"i2","$insert_id":"i2","field":"properties.time"`},
		{"import, unknown token", mixpanel.Control{Route: mixpanel.Import, JSON: true, Strict: true}, mixpanel.Outcome{Failed: unknown}, 401, `{"code":401,`},
		{"import as a form", mixpanel.Control{Route: mixpanel.Import}, mixpanel.Outcome{Good: 1}, 200, "1"},
	} {
		w := httptest.NewRecorder()
		c.control.Answer(w, c.outcome, web.Status)
		if w.Code != c.code || !strings.HasPrefix(w.Body.String(), c.body) || len(c.body) < 3 && w.Body.String() != c.body {
			t.Errorf("%s: got %d %q, want %d %q", c.name, w.Code, w.Body, c.code, c.body)
		}
		if c.code == 503 && w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", c.name)
		}
	}
}

func TestUpdates(t *testing.T) {
	b, _, err := decode(t, mixpanel.Engage, "", "application/json", `[
	  {"$token":"T","$distinct_id":"u","$set":{"a":1.10,"$ip":"1.2.3.4"},"$add":{"n":-2},"$unset":["x","y"],"$ignore_time":"true","$ip":"0"},
	  {"$token":"T","$distinct_id":"$device:d","$set":{}},
	  {"$token":"T","$distinct_id":"u","$delete":"null","$ignore_alias":"true"},
	  {"$token":"T","$distinct_id":"u","$add":{"n":"2"}},
	  {"$token":"T","$set":{"a":1}},
	  {"$token":"T","$distinct_id":"u"},
	  {"$token":"T","$distinct_id":"undefined","$set":{"a":1}}]`)
	if err != nil || len(b.Updates) != 3 || len(b.Rejected) != 4 {
		t.Fatalf("%d updates, %d rejected, %v", len(b.Updates), len(b.Rejected), err)
	}
	u := b.Updates[0]
	if len(u.Ops) != 4 || string(u.Ops[0].Value) != "1.10" || u.Ops[3].Name != "y" || !u.KeepLastSeen || !u.KeepPlace {
		t.Errorf("first: %+v", u)
	}
	if !b.Updates[1].Device || b.Updates[1].ClearID != "d" || !b.Updates[2].ExactID {
		t.Errorf("others: %+v", b.Updates[1:])
	}
	for i, want := range []event.Reason{event.ReasonBadOperator, event.ReasonMissingField, event.ReasonMissingField, event.ReasonBadID} {
		if b.Rejected[i].Reason != want {
			t.Errorf("rejected %d: %s, want %s", i, b.Rejected[i].Reason, want)
		}
	}
}

// Decode takes what any Mixpanel SDK sends. Records that are wrong are told
// apart from those that are good.
func ExampleDecode() {
	batch, control, err := mixpanel.Decode(mixpanel.Request{
		Route:       mixpanel.Track,
		ContentType: "application/x-www-form-urlencoded",
		Body:        []byte(`verbose=1&data=[{"event":"Sign Up","properties":{"token":"T","distinct_id":"$device:d1"}},{"event":7}]`),
		Received:    received,
	})
	fmt.Println(err, control.Verbose)
	fmt.Println(batch.Events[0].Row.Name, batch.Events[0].IDs.Device)
	fmt.Println(batch.Rejected[0].Index, mixpanel.Explain(batch.Rejected[0]))
	// Output:
	// <nil> true
	// Sign Up d1
	// 1 event: the value has the wrong JSON type
}
