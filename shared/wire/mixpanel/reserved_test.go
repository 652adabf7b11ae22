package mixpanel_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"loch/shared/wire/mixpanel"
)

// Every property that the decoder understands is reserved, also the next one that
// somebody adds, and names that sites choose are not.
func TestReservedNames(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "properties.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(file, func(node ast.Node) bool {
		if f, ok := node.(*ast.FuncDecl); ok && f.Name.Name != "member" {
			return false
		}
		clause, ok := node.(*ast.CaseClause)
		if !ok {
			return true
		}
		for _, e := range clause.List {
			if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				name, _ := strconv.Unquote(lit.Value)
				if n++; !mixpanel.IsReserved(name) {
					t.Errorf("%s may become a kind of group", name)
				}
			}
		}
		return true
	})
	if n < 50 {
		t.Fatalf("found %d names in properties.go", n)
	}
	for _, name := range []string{"User-Agent", "mp_anything", "utm_anything", "$anything", "current_url_search"} {
		if !mixpanel.IsReserved(name) {
			t.Errorf("%s may become a kind of group", name)
		}
	}
	for _, name := range []string{"company", "Company", "plan", "team_id", "workspace", "account", "group"} {
		if mixpanel.IsReserved(name) {
			t.Errorf("%s may not become a kind of group", name)
		}
	}
}
