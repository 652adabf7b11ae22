package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/web"
)

var statuses = map[fault.Code]int{
	fault.Invalid: 400, fault.Unauthorized: 401, fault.Forbidden: 403, fault.NotFound: 404, fault.Conflict: 409,
	fault.TooLarge: 413, fault.TooMany: 429, fault.Timeout: 504, fault.Unavailable: 503, fault.Internal: 500,
}

// TestStatusOfEachCode reads the codes from package fault's source, so that a
// new code without a status fails here.
func TestStatusOfEachCode(t *testing.T) {
	codes := codesInSource(t)
	if len(codes) != len(statuses) {
		t.Errorf("package fault has %d codes, this test %d", len(codes), len(statuses))
	}
	for _, code := range codes {
		want, ok := statuses[code]
		if !ok {
			t.Errorf("no status is written down for %q", code)
			continue
		}
		if got := web.Status(code); got != want {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
		w := httptest.NewRecorder()
		web.WriteError(w, httptest.NewRequest(http.MethodGet, "/api/x", nil), fault.New(code, "some words").At("sql"))
		var body map[string]map[string]string
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		e := body["error"]
		if w.Code != want || e["code"] != string(code) || e["message"] != "some words" || e["field"] != "sql" || len(e) != 3 {
			t.Errorf("%s: answered %d %s", code, w.Code, w.Body)
		}
		h := w.Header()
		if (h.Get("WWW-Authenticate") != "") != (want == 401) {
			t.Errorf("%s: WWW-Authenticate %q", code, h.Get("WWW-Authenticate"))
		}
		if (h.Get("Retry-After") != "") != (want == 429 || want == 503) {
			t.Errorf("%s: Retry-After %q", code, h.Get("Retry-After"))
		}
		if h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control %q", code, h.Get("Cache-Control"))
		}
	}
	if got := web.Status("no such code"); got != 500 {
		t.Errorf("an unknown code gave %d", got)
	}
}

func codesInSource(t *testing.T) []fault.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../fault/fault.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []fault.Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Code" {
			for _, v := range spec.Values {
				text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				codes = append(codes, fault.Code(text))
			}
		}
		return true
	})
	return codes
}

func TestWriteErrorTellsNothingOfOthers(t *testing.T) {
	w := httptest.NewRecorder()
	web.WriteError(w, httptest.NewRequest(http.MethodGet, "/", nil), errors.New("parsing jane@example.com failed"))
	if w.Code != 500 || strings.Contains(w.Body.String(), "jane") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	web.WriteError(w, httptest.NewRequest(http.MethodGet, "/", nil),
		fault.Wrap(errors.New("jane@example.com"), fault.Invalid, "not a time"))
	if w.Code != 400 || strings.Contains(w.Body.String(), "jane") || strings.Contains(w.Body.String(), `"field"`) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
}

func TestWriteJSON(t *testing.T) {
	w := httptest.NewRecorder()
	web.WriteJSON(w, 201, map[string]string{"a": "<b>&"})
	if w.Code != 201 || w.Body.String() != `{"a":"<b>&"}`+"\n" {
		t.Fatalf("%d %q", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	web.WriteJSON(w, 200, func() {})
	if w.Code != 500 || !strings.Contains(w.Body.String(), `"internal"`) {
		t.Fatalf("%d %q", w.Code, w.Body)
	}
}

// keys is a registry that knows three keys.
type keys struct{ project.Registry }

func (keys) ByKey(_ context.Context, key string) (project.Key, error) {
	switch key {
	case "key-read", "key-pii", "key-erase":
		scope := project.Scope(strings.TrimPrefix(key, "key-"))
		return project.Key{Project: project.Project{ID: "default"}, Scope: scope, Name: string(scope)}, nil
	case "key-down":
		return project.Key{}, fault.New(fault.Unavailable, "the registry cannot be reached")
	}
	return project.Key{}, fault.New(fault.Unauthorized, "no such key")
}

func TestAuthorize(t *testing.T) {
	basic := func(user, password string) string {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth(user, password)
		return r.Header.Get("Authorization")
	}
	for _, c := range []struct {
		name, header string
		scope        project.Scope
		want         fault.Code // "" for a key
		words        string
	}{
		{"bearer", "Bearer key-read", project.Read, "", ""},
		{"bearer in small letters", "bearer key-read", project.Read, "", ""},
		{"basic", basic("key-read", ""), project.Read, "", ""},
		{"basic with any password", basic("key-read", "x"), project.Read, "", ""},
		{"pii may read", "Bearer key-pii", project.Read, "", ""},
		{"read may not see pii", "Bearer key-read", project.PII, fault.Forbidden, `"pii"`},
		{"erase may not read", "Bearer key-erase", project.Read, fault.Forbidden, `"read"`},
		{"pii may not erase", "Bearer key-pii", project.Erase, fault.Forbidden, "credentials.json"},
		{"nothing", "", project.Read, fault.Unauthorized, "Authorization: Bearer KEY"},
		{"no key after bearer", "Bearer ", project.Read, fault.Unauthorized, "Bearer KEY"},
		{"another scheme", "Digest zzz-payload", project.Read, fault.Unauthorized, "Bearer or Basic"},
		{"basic that is not base64", "Basic !!", project.Read, fault.Unauthorized, "base64"},
		{"an unknown key", "Bearer zzz-payload", project.Read, fault.Unauthorized, "credentials.json"},
		{"a very long key", "Bearer " + strings.Repeat("k", 10_000), project.Read, fault.Unauthorized, "Bearer KEY"},
		{"a registry that cannot tell", "Bearer key-down", project.Read, fault.Unavailable, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/api/sql", nil)
			if c.header != "" {
				r.Header.Set("Authorization", c.header)
			}
			key, err := web.Authorize(r, keys{}, c.scope)
			if c.want == "" {
				if err != nil || key.Project.ID != "default" {
					t.Fatalf("got %+v, %v", key, err)
				}
				return
			}
			if fault.CodeOf(err) != c.want || !strings.Contains(err.Error(), c.words) || key.Project.ID != "" {
				t.Fatalf("got %v (%s), want %s with %q", err, fault.CodeOf(err), c.want, c.words)
			}
			if strings.Contains(err.Error(), "zzz-payload") {
				t.Fatalf("the error repeats what was sent: %v", err)
			}
		})
	}
}
