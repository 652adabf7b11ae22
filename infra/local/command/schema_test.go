package command

import "testing"

const schemaAll = `{"events":[{"name":"Page View","kind":"page","count":120345,"first_seen":"2026-10-25T08:00:00Z","last_seen":"2026-11-23T20:29:40Z"},
{"name":"Sign\u001b[31m Up","kind":"event","count":7,"first_seen":"2026-11-22T20:30:00Z","last_seen":"2026-11-23T19:30:00Z"},{"name":"Rare","kind":"event","hidden":true}],
"properties":[{"name":"plan","column":false,"types":["string"],"count":120000,"first_seen":"2026-10-25T08:00:00Z","last_seen":"2026-11-23T20:29:40Z","values":[{"value":"free","count":90000},{"value":"pro","count":29900},{"value":"","count":100}]},
{"name":"order","column":false,"types":["string","number"],"count":7,"first_seen":"2026-11-22T20:30:00Z","last_seen":"2026-11-23T19:30:00Z","values":[],"values_left_out":"many"},
{"name":"email","column":false,"types":["string"],"hidden":true,"values":[],"values_left_out":"identifier"},
{"name":"country","column":true,"types":["string"],"count":120352,"first_seen":"2026-10-25T08:00:00Z","last_seen":"2026-11-23T20:29:40Z","values":[{"value":"DE"},{"value":"FR"}]}],
"left_out":{"events":0,"properties":3}}`

func TestSchemaTable(t *testing.T) {
	for name, args := range map[string][]string{"schema.txt": nil, "schema-columns.txt": {"--columns"}} {
		f := newFake(t, answers(t, "GET", "/api/schema", "READ", 200, schemaAll))
		f.look = screen{width: 100, live: true}
		out, errs, code := f.run(newSchema, args...)
		if code != 0 || errs != "" {
			t.Errorf("%s: code %d, %q", name, code, errs)
		}
		golden(t, name, out)
	}
	f := newFake(t, answers(t, "GET", "/api/schema", "READ", 200, schemaAll))
	if out, _, code := f.run(newSchema, "--json"); code != 0 || out != schemaAll+"\n" {
		t.Errorf("--json gave %d %s", code, out)
	}
}

func TestSchemaOfOneEvent(t *testing.T) {
	f := newFake(t, answers(t, "GET", "/api/schema?event=Sign+Up", "READ", 200, `{"event":{"name":"Sign Up","kind":"event","count":1,"first_seen":"2026-11-23T19:30:00Z","last_seen":"2026-11-23T19:30:00Z"},"properties":[],"left_out":{"events":0,"properties":0}}`))
	f.look = screen{width: 80, live: true}
	out, errs, code := f.run(newSchema, "Sign Up")
	if code != 0 || errs != "" {
		t.Errorf("code %d, %q", code, errs)
	}
	golden(t, "schema-event.txt", out)
	f = newFake(t, answers(t, "GET", "/api/schema?event=None", "READ", 404, `{"error":{"code":"not_found","message":"no event of this name was seen","field":"event"}}`))
	if _, errs, code := f.run(newSchema, "None"); code != 4 || errs == "" {
		t.Errorf("an event that nobody sent: %d %q", code, errs)
	}
	if _, _, code := f.run(newSchema, "Sign", "Up"); code != 2 {
		t.Errorf("two names: %d", code)
	}
	f = newFake(t, answers(t, "GET", "/api/schema", "READ", 200, `{"events":[],"properties":[],"left_out":{"events":0,"properties":0}}`))
	if out, _, _ := f.run(newSchema); out != "no event was seen yet\n" {
		t.Errorf("of nothing: %q", out)
	}
}
