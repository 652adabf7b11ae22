package layout

import (
	"fmt"
	"strings"
)

// weightRules keep the heavy libraries where they belong, so that a Lambda
// carries no database and builds without a C compiler.
var weightRules = []Rule{
	{
		Name:    "heavy libraries stand in one place",
		Instead: "Go through the package that owns the library; if it lacks something, add it there in terms of the house.",
		Check:   misplaced,
	},
	{
		Name:    "what runs on Lambda builds without cgo",
		Instead: "cgo belongs in infra/local/duckdb alone. Find the import that needs C and put it behind an interface of shared.",
		Check:   withoutCgo,
	},
}

// heavy says for a library, by the start of its import path, which packages may
// import it. Tests in infra/e2e may read Parquet themselves, since they check
// what the house's own reader would hide; so does the attacker in infra/redteam.
var heavy = []struct {
	library string
	owners  []string
	tests   []string
}{
	{library: "github.com/aws/", owners: []string{"infra/aws", "functions/*/lambda"}},
	{library: "github.com/duckdb/", owners: []string{"infra/local/duckdb"}, tests: []string{"infra/local"}},
	{library: "github.com/cockroachdb/", owners: []string{"infra/local/pebble", "infra/redteam"}},
	{library: "github.com/parquet-go/", owners: []string{"infra/local/parquet", "infra/redteam", "infra/aws/firehose/firehosetest", "infra/aws/snapshot"}, tests: []string{"infra/local", "infra/e2e"}},
	{library: "github.com/oschwald/", owners: []string{"shared/enrich"}},
	{library: "github.com/chromedp/", owners: nil, tests: []string{"infra/e2e"}},
}

func misplaced(t *Tree) []string {
	var found []string
	for i := range t.Packages {
		p := &t.Packages[i]
		for _, h := range heavy {
			for _, to := range p.Imports {
				if strings.HasPrefix(to, h.library) && !owned(p.Path(), h.owners) {
					found = append(found, edge(p.Path(), to))
				}
			}
			for _, to := range p.testImports() {
				if strings.HasPrefix(to, h.library) && !owned(p.Path(), h.owners) && !owned(p.Path(), h.tests) {
					found = append(found, edge(p.Path()+" (tests)", to))
				}
			}
		}
	}
	return found
}

func owned(pkg string, owners []string) bool {
	for _, o := range owners {
		if within(pkg, o) || o == "functions/*/lambda" && isLambdaMain(pkg) {
			return true
		}
	}
	return false
}

// withoutCgo builds everything outside infra/local and the tests around it with
// cgo switched off, as the Lambda binaries are.
func withoutCgo(t *Tree) []string {
	args := []string{"build"}
	var found []string
	for i := range t.Packages {
		p := &t.Packages[i]
		if within(p.Path(), "infra") && !within(p.Path(), "infra/aws") {
			if len(p.CgoFiles) > 0 && p.Path() != "infra/local/duckdb" {
				found = append(found, fmt.Sprintf("%s has cgo files", p.Path()))
			}
			continue
		}
		if len(p.GoFiles) > 0 && p.Name != "main" {
			args = append(args, p.ImportPath)
		}
	}
	if t.Go == nil || len(args) == 1 {
		return found
	}
	if out, err := t.Go(args...); err != nil {
		found = append(found, fmt.Sprintf("CGO_ENABLED=0 go build: %v\n%s", err, out))
	}
	return found
}
