package erase

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"loch/shared/fault"
)

func TestOrders(t *testing.T) {
	for _, c := range []struct {
		target, body, header string
		want                 order
		field                string // of the refusal; "-" for one without
	}{
		{"/x", "", "", order{}, ""},
		{"/x", " \n", "", order{}, ""},
		{"/x", "{}", "letter", order{Why: "letter"}, ""},
		{"/x", `{"suppress":true,"remove_rows":false,"why":"é"}`, "", order{Suppress: true, Why: "é"}, ""},
		{"/x?suppress=TRUE&dry_run=0&all=1", `{"remove_rows":true}`, "", order{Suppress: true, RemoveRows: true, All: true}, ""},
		{"/x?suppress=true", `{"suppress":true}`, "", order{}, "suppress"},
		{"/x?why=a", "", "b", order{}, "why"},
		{"/x", `{"why":"a"}`, "b", order{}, "why"},
		{"/x", `{"suppres":true}`, "", order{}, "suppres"},
		{"/x", `{"Suppress":true}`, "", order{}, "Suppress"},
		{"/x", `{"suppress":true,"suppress":true}`, "", order{}, "suppress"},
		{"/x", `{"suppress":"true"}`, "", order{}, "suppress"},
		{"/x", `{"suppress":1}`, "", order{}, "suppress"},
		{"/x", `{"suppress":null}`, "", order{}, "suppress"},
		{"/x", `{"suppress":{"a":1}}`, "", order{}, "suppress"},
		{"/x", `{"why":5}`, "", order{}, "why"},
		{"/x", `{"why":"` + strings.Repeat("x", maxWhy+1) + `"}`, "", order{}, "why"},
		{"/x", `{"jane@example.com":1}`, "", order{}, "(a name of 16 bytes)"},
		{"/x", `[]`, "", order{}, "-"},
		{"/x", `null`, "", order{}, "-"},
		{"/x", `{"suppress":true} {}`, "", order{}, "-"},
		{"/x", `{"suppress":true`, "", order{}, "-"},
		{"/x", "{\"why\":\"\xff\"}", "", order{}, "-"},
		{"/x", `{"why":"` + strings.Repeat("x", maxOrder) + `"}`, "", order{}, "-"},
	} {
		r := httptest.NewRequest("DELETE", c.target, strings.NewReader(c.body))
		r.SetPathValue("distinct_id", "x")
		if c.header != "" {
			r.Header.Set("X-Reason", c.header)
		}
		parameters, err := readParameters(r, "suppress", "remove_rows", "all", "dry_run", "why")
		if err != nil {
			t.Fatal(err)
		}
		got, err := readOrder(httptest.NewRecorder(), r, nil, parameters)
		field := ""
		if err != nil {
			if field = fault.From(err).Field; field == "" {
				field = "-"
			}
			if code := fault.CodeOf(err); code != fault.Invalid && code != fault.TooLarge {
				t.Errorf("%.60s: %s", c.body, code)
			}
		}
		if field != c.field || err == nil && got != c.want {
			t.Errorf("%s %.60s: %+v, %v; want %+v at %q", c.target, c.body, got, err, c.want, c.field)
		}
	}
}

// FuzzOrder holds that what is accepted is what encoding/json reads, and that a
// refusal repeats nothing but a word.
func FuzzOrder(f *testing.F) {
	f.Add([]byte(`{"suppress":true,"remove_rows":false,"why":"a\u00e9"}`))
	f.Add([]byte(`{"suppres":[{}]}`))
	f.Add([]byte(`{"why":"a","why":"b"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		o, said, err := parseOrder(body)
		if err != nil {
			fine := fault.From(err)
			if fine.Code != fault.Invalid || len(fine.Field) > 32 || !utf8.ValidString(fine.Error()) {
				t.Fatalf("%q: %+v", body, fine)
			}
			return
		}
		var want struct {
			Suppress   *bool   `json:"suppress"`
			RemoveRows *bool   `json:"remove_rows"`
			All        *bool   `json:"all"`
			DryRun     *bool   `json:"dry_run"`
			Why        *string `json:"why"`
		}
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatalf("%q was accepted: %v", body, err)
		}
		is := func(name string, got bool, p *bool) {
			if said[name] != (p != nil) || p != nil && got != *p {
				t.Fatalf("%q: %s is %v", body, name, got)
			}
		}
		is("suppress", o.Suppress, want.Suppress)
		is("remove_rows", o.RemoveRows, want.RemoveRows)
		is("all", o.All, want.All)
		is("dry_run", o.DryRun, want.DryRun)
		if want.Why != nil && o.Why != *want.Why || said["why"] != (want.Why != nil) {
			t.Fatalf("%q: why is %q", body, o.Why)
		}
	})
}
