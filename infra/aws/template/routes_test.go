package template_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"loch/infra/aws/httpapi"
	"loch/infra/aws/template"
	"loch/infra/aws/template/templatetest"
)

func api(t testing.TB) (*httpapi.API, []template.Route) {
	t.Helper()
	routes, err := template.Routes(everything(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	var list []httpapi.Route
	for _, r := range routes {
		list = append(list, httpapi.Route{Key: r.Key})
	}
	a, err := httpapi.New(list, httpapi.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return a, routes
}

// patterns are those that a function's handler gives to http.ServeMux.
func patterns(t testing.TB, function string) []string {
	t.Helper()
	folder := filepath.Join(templatetest.Root(t), "functions", function)
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 2 {
				return true
			}
			s, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || s.Sel.Name != "HandleFunc" && s.Sel.Name != "Handle" {
				return true
			}
			pattern, ok := call.Args[0].(*ast.BasicLit)
			if !ok {
				t.Errorf("%s: a route that is not a literal", name)
				return true
			}
			text, err := strconv.Unquote(pattern.Value)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, text)
			return true
		})
	}
	return found
}

// Every route of a handler leads to its function, and each route of the API is one
// of a handler's. What is left over is ingestion's.
func TestRoutes(t *testing.T) {
	a, routes := api(t)
	leads := map[string]string{}
	for _, r := range routes {
		leads[r.Key] = r.Function
	}
	used := map[string]bool{}
	for _, function := range []string{"lookup", "erase", "query"} {
		logical := strings.ToUpper(function[:1]) + function[1:]
		of := patterns(t, function)
		if len(of) < 4 {
			t.Fatalf("%s has the routes %q", function, of)
		}
		methods := map[string][]string{} // of a path
		for _, p := range of {
			method, path, ok := strings.Cut(p, " ")
			if !ok {
				continue
			}
			methods[path] = append(methods[path], method)
		}
		for path, list := range methods {
			for _, method := range list {
				// A path that a client may send: {distinct_id} is any.
				sent := strings.NewReplacer("{distinct_id}", "some-id", "{$}", "").Replace(path)
				sent = strings.ReplaceAll(strings.ReplaceAll(sent, "{", ""), "}", "")
				key, ok := a.Match(method, sent)
				if !ok || leads[key] != logical {
					t.Errorf("%s %s leads to %s by %q, not to %s", method, path, leads[key], key, logical)
				}
				used[key] = true
			}
		}
	}
	for key, function := range leads {
		if function == "Ingest" {
			if key != "$default" {
				t.Errorf("ingest takes %s by itself", key)
			}
			continue
		}
		if !used[key] {
			t.Errorf("the API has %s, and no handler does", key)
		}
	}
}

// What SDKs send leads to ingestion, under whatever prefix.
func TestIngestRoutes(t *testing.T) {
	a, routes := api(t)
	for _, c := range []string{
		"POST /track", "POST /track/", "GET /track/", "OPTIONS /track/", "POST //track/", "POST /x7/track", "POST /_mp/api/track", "POST /t", "POST /engage", "POST /groups/",
		"POST /import", "POST /api/profiles.ndjson", "GET /flags/", "GET /settings", "POST /record/", "GET /decide/", "GET /", "GET /api/unknown",
	} {
		method, path, _ := strings.Cut(c, " ")
		key, ok := a.Match(method, path)
		i := slices.IndexFunc(routes, func(r template.Route) bool { return r.Key == key })
		if !ok || routes[i].Function != "Ingest" {
			t.Errorf("%s leads to %+v", c, routes[i])
		}
	}
}

// The stage has throttles, and questions stricter ones than events.
func TestThrottles(t *testing.T) {
	all := everything(t, nil)
	stage := template.Of(all, "AWS::ApiGatewayV2::Stage")[0]
	if stage.At("DefaultRouteSettings.ThrottlingRateLimit") != "2000" || stage.At("DefaultRouteSettings.ThrottlingBurstLimit") != "4000" {
		t.Errorf("the stage's throttles: %v", stage.At("DefaultRouteSettings"))
	}
	settings, _ := stage.Properties["RouteSettings"].(map[string]any)
	_, routes := api(t)
	for _, r := range routes {
		if r.Function == "Query" && template.At(settings[r.Key], "ThrottlingRateLimit") != "20" {
			t.Errorf("%s is throttled by %v", r.Key, settings[r.Key])
		}
	}
	for key := range settings {
		if !slices.ContainsFunc(routes, func(r template.Route) bool { return r.Key == key }) {
			t.Errorf("there are settings for %s, and no such route", key)
		}
	}
	if stage.Properties["StageName"] != "$default" || stage.Properties["AutoDeploy"] != true {
		t.Errorf("the stage: %v", stage.Properties)
	}
}
