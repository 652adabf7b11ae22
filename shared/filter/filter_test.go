package filter_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"loch/shared/fault"
	"loch/shared/filter"
)

// row is an object's members, asked as a profile or an event is.
type row map[string]string

func (r row) get(name string) []byte {
	if v, ok := r[name]; ok {
		return []byte(v)
	}
	return nil
}

// values are what a matcher needs of a row; "seen" is a time.
func (r row) values(m *filter.Matcher) []filter.Value {
	list := make([]filter.Value, len(m.Properties))
	for i, p := range m.Properties {
		if p.Name == "seen" {
			list[i] = filter.Moment(day + 12*60*60*1000)
			continue
		}
		list[i] = filter.JSON(p.Of(r.get))
	}
	return list
}

var day = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).UnixMilli()

func typeOf(p filter.Property) filter.Type {
	if p.Name == "seen" || p.Name == "never" {
		return filter.Time
	}
	return filter.Any
}

func match(t *testing.T, where string, r row) bool {
	t.Helper()
	w, err := filter.Parse([]byte(where), "where")
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	m, err := filter.Compile(w, typeOf)
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	return m.Match(r.values(m))
}

func Example() {
	w, err := filter.Parse([]byte(`[{"property":"plan","op":"in","value":["pro","team"]},{"property":"visits","op":"gte","value":10}]`), "where")
	if err != nil {
		fmt.Println(err)
		return
	}
	m, _ := filter.Compile(w, func(filter.Property) filter.Type { return filter.Any })
	fmt.Println(m.Properties)
	fmt.Println(m.Match([]filter.Value{filter.Text("pro"), filter.JSON([]byte("10.0"))}))
	_, err = filter.Parse([]byte(`[{"any":[{"property":"plan","op":"equals","value":"pro"}]}]`), "where")
	fmt.Println(fault.From(err).Field)
	// Output:
	// [plan visits]
	// true
	// where[0].any[0].op
}

func TestOperators(t *testing.T) {
	r := row{
		"plan": `"pro"`, "visits": `10`, "big": `12345678901234567890`, "vat": `0.3`, "yes": `true`, "no": `false`, "null": `null`,
		"tags": `["a", 1.0, true, {"x":1}]`, "esc": `"\u00e9\n"`, "one": `"1"`, "empty": `""`, "deep": `{"a":{"b":"x","a":[1]},"dot.ted":2,"n":1,"n":2}`,
		"flat.name": `"whole"`, "flat": `{"name":"parts"}`, "$email": `"jane@example.com"`, "text": `"20"`, "spaced": ` "pro" `,
	}
	const (
		yes = true
		no  = false
	)
	for _, c := range []struct {
		filter string // property, op and value
		want   bool
	}{
		{`"plan","op":"eq","value":"pro"`, yes},
		{`"properties.plan","op":"eq","value":"pro"`, yes},
		{`"profile.plan","op":"eq","value":"pro"`, yes},
		{`"spaced","op":"eq","value":"pro"`, yes},
		{`"plan","op":"eq","value":"Pro"`, no},
		{`"plan","op":"ne","value":"pro"`, no},
		{`"plan","op":"ne","value":"free"`, yes},
		{`"gone","op":"ne","value":"pro"`, yes},
		{`"null","op":"ne","value":"pro"`, yes},
		{`"one","op":"eq","value":1`, no},
		{`"one","op":"ne","value":1`, yes},
		{`"visits","op":"eq","value":1e1`, yes},
		{`"visits","op":"eq","value":"10"`, no},
		{`"vat","op":"eq","value":3e-1`, yes},
		{`"big","op":"eq","value":12345678901234567891`, no},
		{`"big","op":"lt","value":12345678901234567891`, yes},
		{`"yes","op":"eq","value":true`, yes},
		{`"yes","op":"eq","value":false`, no},
		{`"yes","op":"eq","value":"true"`, no},
		{`"empty","op":"eq","value":""`, yes},
		{`"esc","op":"eq","value":"é\u000a"`, yes},
		{`"deep","op":"eq","value":"x"`, no},
		{`"plan","op":"in","value":["free",1,"pro"]`, yes},
		{`"plan","op":"in","value":["free"]`, no},
		{`"gone","op":"in","value":["free"]`, no},
		{`"plan","op":"not_in","value":["free"]`, yes},
		{`"gone","op":"not_in","value":["free"]`, yes},
		{`"plan","op":"not_in","value":["pro"]`, no},
		{`"plan","op":"contains","value":"r"`, yes},
		{`"plan","op":"contains","value":1`, no},
		{`"tags","op":"contains","value":"a"`, yes},
		{`"tags","op":"contains","value":1`, yes},
		{`"tags","op":"contains","value":true`, yes},
		{`"tags","op":"contains","value":"b"`, no},
		{`"tags","op":"not_contains","value":"b"`, yes},
		{`"gone","op":"not_contains","value":"b"`, yes},
		{`"visits","op":"contains","value":1`, no},
		{`"plan","op":"starts_with","value":"pr"`, yes},
		{`"plan","op":"starts_with","value":"r"`, no},
		{`"visits","op":"starts_with","value":"1"`, no},
		{`"plan","op":"matches","value":"^p.o$"`, yes},
		{`"plan","op":"matches","value":"r"`, yes},
		{`"plan","op":"matches","value":"(?i)^R"`, no},
		{`"visits","op":"matches","value":"1"`, no},
		{`"visits","op":"gt","value":9.99`, yes},
		{`"visits","op":"gt","value":10`, no},
		{`"visits","op":"gte","value":10.0`, yes},
		{`"visits","op":"lt","value":9`, no},
		{`"visits","op":"lte","value":10`, yes},
		{`"text","op":"gt","value":9`, no},
		{`"text","op":"gt","value":"1"`, yes},
		{`"text","op":"lt","value":"9"`, yes},
		{`"gone","op":"lt","value":9`, no},
		{`"visits","op":"between","value":[10,11]`, yes},
		{`"visits","op":"between","value":[1,10]`, yes},
		{`"visits","op":"between","value":[11,10]`, no},
		{`"plan","op":"between","value":["a","z"]`, yes},
		{`"gone","op":"between","value":[1,2]`, no},
		{`"plan","op":"is_set"`, yes},
		{`"empty","op":"is_set"`, yes},
		{`"null","op":"is_set"`, no},
		{`"gone","op":"is_set"`, no},
		{`"gone","op":"is_not_set"`, yes},
		{`"null","op":"is_not_set"`, yes},
		{`"plan","op":"is_not_set"`, no},
		{`"yes","op":"is_true"`, yes},
		{`"no","op":"is_true"`, no},
		{`"no","op":"is_false"`, yes},
		{`"gone","op":"is_false"`, no},
		{`"one","op":"is_true"`, no},
		{`"deep.a.b","op":"eq","value":"x"`, yes},
		{`"deep.a.c","op":"is_set"`, no},
		{`"deep.a.b.c","op":"is_set"`, no},
		{`"deep.n","op":"eq","value":1`, yes}, // of a name twice the first, as in SQL
		{`"flat.name","op":"eq","value":"whole"`, yes},
		{`"$email","op":"matches","value":"@example\\.com$"`, yes},
		{`"seen","op":"eq","value":"2026-11-23"`, yes},
		{`"seen","op":"eq","value":"2026-11-23T12:00:00Z"`, yes},
		{`"seen","op":"eq","value":"2026-11-23T13:00:00+01:00"`, yes},
		{`"seen","op":"ne","value":"2026-11-23"`, no},
		{`"seen","op":"gt","value":"2026-11-23"`, no},
		{`"seen","op":"gt","value":"2026-11-22"`, yes},
		{`"seen","op":"gte","value":"2026-11-23"`, yes},
		{`"seen","op":"lt","value":"2026-11-23"`, no},
		{`"seen","op":"lte","value":"2026-11-23"`, yes},
		{`"seen","op":"between","value":["2026-11-01","2026-11-23"]`, yes},
		{`"seen","op":"in","value":["2026-11-01","2026-11-23"]`, yes},
		{`"seen","op":"is_set"`, yes},
		{`"seen","op":"is_not_set"`, no},
		{`"never","op":"is_set"`, no},
		{`"never","op":"ne","value":"2026-11-23"`, yes},
		{`"never","op":"lte","value":"2026-11-23"`, no},
	} {
		if got := match(t, `[{"property":`+c.filter+`}]`, r); got != c.want {
			t.Errorf("%s: %v", c.filter, got)
		}
	}
	if !match(t, `[]`, r) {
		t.Error("no filter lets everything through")
	}
	if !match(t, `[{"any":[{"property":"plan","op":"eq","value":"x"},{"any":[{"property":"visits","op":"gt","value":1}]}]},{"property":"yes","op":"is_true"}]`, r) {
		t.Error("any is not OR")
	}
	if match(t, `[{"property":"plan","op":"eq","value":"pro"},{"property":"no","op":"is_true"}]`, r) {
		t.Error("a list is not AND")
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ where, field, words string }{
		{`{}`, "where", "list"},
		{`[1]`, "where[0]", "object"},
		{`[`, "where", "not valid JSON"},
		{`[] []`, "where", "not valid JSON"},
		{"[\"\xff\"]", "where", "UTF-8"},
		{`[{}]`, "where[0].property", "missing"},
		{`[{"property":1,"op":"eq","value":1}]`, "where[0].property", "text"},
		{`[{"property":"","op":"eq","value":1}]`, "where[0].property", "bytes"},
		{`[{"property":"a\u0000","op":"eq","value":1}]`, "where[0].property", "zero"},
		{`[{"property":"a"}]`, "where[0].op", "missing"},
		{`[{"property":"a","op":"like","value":1}]`, "where[0].op", "not_in"},
		{`[{"property":"a","op":"eq"}]`, "where[0].value", "needs a value"},
		{`[{"property":"a","op":"eq","value":null}]`, "where[0].value", "is_set"},
		{`[{"property":"a","op":"eq","value":[1]}]`, "where[0].value", "a text, a number"},
		{`[{"property":"a","op":"eq","value":"a\u0000"}]`, "where[0].value", "zero"},
		{`[{"property":"a","op":"eq","value":` + strings.Repeat("9", 500) + `}]`, "where[0].value", "characters"},
		{`[{"property":"a","op":"in","value":1}]`, "where[0].value", "list"},
		{`[{"property":"a","op":"in","value":[]}]`, "where[0].value", "empty"},
		{`[{"property":"a","op":"in","value":[1,{}]}]`, "where[0].value[1]", "a text, a number"},
		{`[{"property":"a","op":"between","value":[1]}]`, "where[0].value", "two"},
		{`[{"property":"a","op":"between","value":[1,"2"]}]`, "where[0].value", "two numbers"},
		{`[{"property":"a","op":"between","value":[true,2]}]`, "where[0].value[0]", "number"},
		{`[{"property":"a","op":"gt","value":true}]`, "where[0].value", "is_true"},
		{`[{"property":"a","op":"starts_with","value":1}]`, "where[0].value", "text"},
		{`[{"property":"a","op":"contains","value":""}]`, "where[0].value", "empty"},
		{`[{"property":"a","op":"matches","value":"("}]`, "where[0].value", "missing closing"},
		{`[{"property":"a","op":"is_set","value":1}]`, "where[0].value", "no value"},
		{`[{"property":"a","op":"eq","value":1,"valeu":2}]`, "where[0].valeu", "no such field"},
		{`[{"property":"a","op":"eq","value":1,"jane@example.com":2}]`, "where[0].?", "no such field"},
		{`[{"property":"a","op":"eq","value":1,"value":2}]`, "where[0].value", "twice"},
		{`[{"any":[]}]`, "where[0].any", "empty"},
		{`[{"any":{}}]`, "where[0].any", "list"},
		{`[{"any":[{"property":"a","op":"is_set"}],"op":"eq"}]`, "where[0]", "alone"},
		{`[{"property":"a","op":"is_set"},{"any":[{"property":"a","op":"is_set"},{"property":"a","op":"x"}]}]`, "where[1].any[1].op", "no such operator"},
		{`[` + strings.Repeat(`{"any":[`, 9) + `{"property":"a","op":"is_set"}` + strings.Repeat(`]}`, 9) + `]`, "where[0]" + strings.Repeat(".any[0]", 8) + ".any", "more than 8"},
		{`[` + strings.Repeat(`{"property":"a","op":"is_set"},`, 100) + `{"property":"a","op":"is_set"}]`, "where[100]", "more than 100"},
		{`["` + strings.Repeat("x", filter.MaxBytes) + `"]`, "where", "bytes"},
		{`[{"property":"seen","op":"gt","value":1}]`, "where[0].value", "a time"},
		{`[{"property":"seen","op":"gt","value":"yesterday"}]`, "where[0].value", "a time"},
		{`[{"property":"seen","op":"contains","value":"2026"}]`, "where[0].op", "a time"},
	} {
		w, err := filter.Parse([]byte(c.where), "where")
		if err == nil {
			_, err = filter.Compile(w, typeOf)
		}
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Field != c.field || !strings.Contains(f.Message, c.words) {
			t.Errorf("%.80s: %v, want %s: …%s…", c.where, err, c.field, c.words)
		}
		if ok && strings.Contains(f.Message, "jane") {
			t.Errorf("the error repeats what was sent: %v", err)
		}
	}
}

func TestCohort(t *testing.T) {
	now := time.Date(2026, 11, 23, 20, 0, 0, 0, time.FixedZone("", 3600))
	d, err := filter.ParseCohort([]byte(`{"did":{"event":"It's","at_least":3,"within_days":7}}`), "cohort")
	if err != nil {
		t.Fatal(err)
	}
	const want = "SELECT person_id FROM events WHERE event = 'It''s' AND date >= DATE '2026-11-16' AND time >= TIMESTAMP '2026-11-16 19:00:00.000'" +
		" AND NOT is_bot AND person_id IS NOT NULL GROUP BY person_id HAVING count(*) >= 3"
	if got := d.SQL(now); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if d, err = filter.ParseCohort([]byte(`{"did":{"event":"x"}}`), "cohort"); err != nil || d.AtLeast != 1 || d.WithinDays != 30 {
		t.Errorf("%+v %v", d, err)
	}
	for _, c := range []struct{ text, field string }{
		{`{`, "cohort"}, {`[]`, "cohort"}, {`{}`, "cohort.did"}, {`{"did":1}`, "cohort.did"}, {`{"did_not":{}}`, "cohort.did_not"},
		{`{"did":{}}`, "cohort.did.event"}, {`{"did":{"event":""}}`, "cohort.did.event"}, {`{"did":{"event":"x","at_least":0}}`, "cohort.did.at_least"},
		{`{"did":{"event":"x","at_least":1.5}}`, "cohort.did.at_least"}, {`{"did":{"event":"x","within_days":1e9}}`, "cohort.did.within_days"},
		{`{"did":{"event":"x","event":"y"}}`, "cohort.did.event"}, {`{"did":{"event":"x","days":1}}`, "cohort.did.days"},
	} {
		_, err := filter.ParseCohort([]byte(c.text), "cohort")
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Field != c.field || f.Code != fault.Invalid {
			t.Errorf("%s: %v, want it at %s", c.text, err, c.field)
		}
	}
}
