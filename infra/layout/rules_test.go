package layout

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

// breaks holds, for every rule, made-up trees that break it and the words that
// the finding must hold, and trees that come close and must pass (want empty).
var breaks = map[string][]struct {
	tree *Tree
	want string
}{
	"shared imports only shared": {
		{pkgs(imp("shared/event", "infra/aws/firehose")), "shared/event imports infra/aws/firehose"},
		{pkgs(testImp("shared/report", "functions/query")), "shared/report (tests) imports functions/query"},
		{pkgs(imp("shared/wire", "shared/event"), imp("infra/aws/s3", "shared/event")), ""},
	},
	"functions are strangers to each other": {
		{pkgs(imp("functions/query", "functions/lookup")), "functions/query imports functions/lookup"},
		{pkgs(testImp("functions/query", "functions/lookup")), "functions/query (tests) imports"},
		{pkgs(imp("functions/query/lambda", "functions/query")), ""},
	},
	"functions know no adapter": {
		{pkgs(imp("functions/ingest", "infra/aws/firehose")), "functions/ingest imports infra/aws/firehose"},
		{pkgs(imp("functions/ingest", "infra/local/wal")), "functions/ingest imports infra/local/wal"},
		{pkgs(imp("functions/ingest/lambda", "infra/local/wal")), "functions/ingest/lambda imports infra/local/wal"},
		{pkgs(testImp("functions/ingest", "infra/aws/firehose")), "functions/ingest (tests) imports infra/aws/firehose"},
		{pkgs(imp("functions/ingest/lambda", "infra/aws/firehose"), testImp("functions/ingest", "infra/local/wal")), ""},
	},
	"adapters know no function": {
		{pkgs(imp("infra/local/duckdb", "functions/query")), "infra/local/duckdb imports functions/query"},
		{pkgs(testImp("infra/e2e", "functions/query")), "infra/e2e (tests) imports functions/query"},
		{pkgs(imp("infra/local", "functions/query")), ""},
	},
	"AWS and one machine are strangers": {
		{pkgs(imp("infra/aws/s3", "infra/local/lake")), "infra/aws/s3 imports infra/local/lake"},
		{pkgs(imp("infra/local", "infra/aws/s3")), "infra/local imports infra/aws/s3"},
		{pkgs(imp("infra/local/command", "infra/aws/stack")), "infra/local/command imports infra/aws/stack"},
		{pkgs(imp("infra/local", "infra/local/lake", "infra/aws/stack")), ""},
	},
	"shared is built in three layers": {
		{pkgs(imp("shared/fault", "shared/event")), "shared/fault imports shared/event"},
		{pkgs(imp("shared/event", "shared/wire")), "shared/event imports shared/wire"},
		{pkgs(imp("shared/project", "shared/event/eventtest")), "shared/project imports shared/event/eventtest"},
		{pkgs(imp("shared/wire", "shared/event"), imp("shared/event", "shared/fault"), testImp("shared/event", "shared/wire")), ""},
		{pkgs(imp("shared/profile", "shared/event"), imp("shared/event/eventtest", "shared/wire")), ""},
	},
	"shared has no rings": {
		{pkgs(imp("shared/wire", "shared/enrich"), imp("shared/enrich", "shared/web"), imp("shared/web", "shared/wire/mixpanel")),
			"shared/enrich → shared/web → shared/wire → shared/enrich"},
		{pkgs(imp("shared/wire", "shared/enrich"), imp("shared/wire/mixpanel", "shared/wire"), testImp("shared/enrich", "shared/wire")), ""},
	},
	"a parent never imports its children": {
		{pkgs(imp("shared/wire", "shared/wire/mixpanel")), "shared/wire imports shared/wire/mixpanel"},
		{pkgs(imp("infra/local", "infra/local/wal"), imp("shared/wire/mixpanel", "shared/wire"), testImp("shared/event", "shared/event/eventtest")), ""},
		{pkgs(imp("shared/event", "shared/eventful")), ""},
	},
	"infra/local is built in layers": {
		{pkgs(imp("infra/local/disk", "infra/local/wal")), "infra/local/disk imports infra/local/wal"},
		{pkgs(imp("infra/local/parquet", "infra/local/wal")), "infra/local/parquet imports infra/local/wal"},
		{pkgs(imp("infra/local/pebble", "infra/local/lake")), "infra/local/pebble imports infra/local/lake"},
		{pkgs(imp("infra/local/brandnew", "infra/local/lake")), "infra/local/brandnew imports infra/local/lake"},
		{pkgs(imp("infra/local/lake", "infra/local/wal"), imp("infra/local/duckdb", "infra/local/lake"),
			imp("infra/local", "infra/local/duckdb"), testImp("infra/local/wal", "infra/local/lake"),
			imp("infra/local/disk/disktest", "infra/local/disk")), ""},
	},
	"heavy libraries stand in one place": {
		{pkgs(lib("shared/report", "github.com/duckdb/duckdb-go/v2")), "shared/report imports github.com/duckdb/duckdb-go/v2"},
		{pkgs(lib("infra/local/lake", "github.com/parquet-go/parquet-go")), "infra/local/lake imports github.com/parquet-go"},
		{pkgs(lib("functions/ingest", "github.com/aws/aws-sdk-go-v2/aws")), "functions/ingest imports github.com/aws"},
		{pkgs(lib("infra/local/registry", "github.com/cockroachdb/pebble/v2")), "infra/local/registry imports"},
		{pkgs(Package{ImportPath: "loch/shared/web", TestImports: []string{"github.com/duckdb/duckdb-go/v2"}}), "shared/web (tests) imports"},
		{pkgs(lib("infra/local/duckdb", "github.com/duckdb/duckdb-go/v2"), lib("functions/ingest/lambda", "github.com/aws/aws-sdk-go-v2/aws"),
			Package{ImportPath: "loch/infra/e2e", TestImports: []string{"github.com/parquet-go/parquet-go"}}), ""},
	},
	"what runs on Lambda builds without cgo": {
		{&Tree{
			Packages: []Package{{ImportPath: "loch/infra/local/lake", CgoFiles: []string{"c.go"}}},
		}, "infra/local/lake has cgo files"},
		{&Tree{
			Packages: []Package{{ImportPath: "loch/shared/event", GoFiles: []string{"event.go"}}},
			Go: func(args ...string) ([]byte, error) {
				return []byte("build " + args[1] + " failed"), errors.New("exit status 1")
			},
		}, "build loch/shared/event failed"},
		{&Tree{
			Packages: []Package{
				{ImportPath: "loch/infra/local/duckdb", CgoFiles: []string{"c.go"}},
				{ImportPath: "loch/shared/event", GoFiles: []string{"event.go"}},
			},
			Go: func(args ...string) ([]byte, error) {
				if len(args) != 2 {
					return []byte(fmt.Sprint(args)), errors.New("DuckDB was built as well")
				}
				return nil, nil
			},
		}, ""},
	},
	"every package says what it is": {
		{pkgs(Package{ImportPath: "loch/shared/web", Doc: " "}), "shared/web has no package comment"},
		{pkgs(Package{ImportPath: "loch/shared/web", Doc: "Package web is"}), ""},
	},
	"packages are named after what they are": {
		{pkgs(Package{ImportPath: "loch/shared/util", Name: "util"}), "shared/util is called util"},
		{pkgs(Package{ImportPath: "loch/shared/x", Name: "helpers"}), "shared/x is called helpers"},
		{pkgs(Package{ImportPath: "loch/shared/utility", Name: "utility"}), ""},
	},
	"files hold one idea": {
		{source("shared/web", "web.go", "package web\n"+strings.Repeat("\n", 400)), "shared/web/web.go has 401 lines"},
		{source("shared/web", "web.go", "// Code generated by hand. DO NOT EDIT.\n\npackage web\n"+strings.Repeat("\n", 400)), ""},
		{source("shared/web", "web_test.go", "package web\n"+strings.Repeat("\n", 400)), ""},
	},
	"shared has no clock": {
		{source("shared/web", "web.go", "package web\nimport \"time\"\nvar now = time.Now\n"), "web.go:3:11 uses time.Now"},
		{source("shared/web", "web.go", "package web\nimport clock \"time\"\nfunc f(t clock.Time) any { return clock.Since(t) }\n"), "uses time.Since"},
		{source("functions/query", "query.go", "package query\nimport \"time\"\nvar now = time.Now\n"), ""},
		{source("shared/web", "web.go", "package web\nimport \"time\"\nvar wait = time.Second\n"), ""},
		{source("shared/web", "web_test.go", "package web\nimport \"time\"\nvar now = time.Now\n"), ""},
	},
	"only mains read the environment": {
		{source("infra/local/wal", "wal.go", "package wal\nimport \"os\"\nvar home = os.Getenv(\"HOME\")\n"), "uses os.Getenv"},
		{source("infra/local/wal", "wal.go", "package wal\nimport \"os\"\nvar open = os.Open\n"), ""},
		{importing(source("infra/local/disk/disktest", "child.go", "package disktest\nimport \"os\"\nvar name = os.Getenv(\"X\")\n"), "testing"), ""},
	},
	"no test is skipped": {
		{source("shared/web", "web_test.go", "package web\nimport \"testing\"\nfunc TestX(t *testing.T) { t.Skip() }\n"), "web_test.go:3:28 skips"},
		{source("shared/web", "web_test.go", "package web\nimport q \"testing\"\nfunc help(tb q.TB) { tb.Skipf(\"\") }\n"), "skips"},
		{source("shared/web", "web_test.go", "package web\nimport \"testing\"\nfunc TestX(t *testing.T) { cursor.Skip() }\n"), ""},
	},
	"the README's map is complete": {
		{files(map[string]string{"README.md": "shared/ event/", "shared/event/event.go": "", "shared/wire/wire.go": ""}), "does not name wire/"},
		{files(map[string]string{"README.md": "shared/ event/", "tools/x.go": ""}), "does not name tools/"},
		{files(map[string]string{"shared/event/event.go": ""}), "README.md"},
		{files(map[string]string{"README.md": "shared/ event/", "shared/event/event.go": "", "shared/.npmrc": "", ".ci/run": ""}), ""},
	},
	"no large file is committed": {
		{&Tree{Files: []File{{Name: "shared/enrich/data/country.mmdb", Bytes: 1<<20 + 1}}}, "country.mmdb has 1024 KiB"},
		{&Tree{Files: []File{{Name: "go.sum", Bytes: 1 << 20}}}, ""},
	},
	"go.mod stands for itself": {
		{&Tree{Go: answer(`{"Replace":[{"Old":{"Path":"example.test/x"}}]}`)}, "go.mod replaces example.test/x"},
		{&Tree{Go: answer(`{}`)}, ""},
	},
	"lock files name no registry": {
		{files(map[string]string{"a/package-lock.json": `{"resolved": "https://registry.example.test/x.tgz"}`}), "a/package-lock.json holds addresses"},
		{files(map[string]string{"a/package-lock.json": `{"integrity": "sha512-x"}`, "a/other.json": `"resolved"`}), ""},
	},
}

// TestRules shows each rule what it must refuse, and what it must let pass.
func TestRules(t *testing.T) {
	for _, rule := range Rules {
		t.Run(strings.ReplaceAll(rule.Name, " ", "-"), func(t *testing.T) {
			cases := breaks[rule.Name]
			if len(cases) < 2 {
				t.Fatal("this rule has no tests: add a tree that breaks it and one that does not")
			}
			if rule.Instead == "" {
				t.Error("the rule does not say what to do instead")
			}
			for i, c := range cases {
				found := strings.Join(rule.Check(c.tree), "\n")
				switch {
				case c.want == "" && found != "":
					t.Errorf("case %d should pass, but: %s", i, found)
				case !strings.Contains(found, c.want):
					t.Errorf("case %d: found %q, want %q", i, found, c.want)
				}
			}
		})
	}
	if len(breaks) != len(Rules) {
		t.Errorf("%d rules, tests for %d names", len(Rules), len(breaks))
	}
}

func pkgs(p ...Package) *Tree { return &Tree{Packages: p} }

func imp(from string, to ...string) Package {
	p := Package{ImportPath: Module + "/" + from}
	for _, i := range to {
		p.Imports = append(p.Imports, Module+"/"+i)
	}
	return p
}

func testImp(from, to string) Package {
	return Package{ImportPath: Module + "/" + from, XTestImports: []string{Module + "/" + from, Module + "/" + to}}
}

func lib(from, library string) Package {
	return Package{ImportPath: Module + "/" + from, Imports: []string{library}}
}

// source is a tree of one package with one file.
func source(pkg, name, text string) *Tree {
	p := Package{ImportPath: Module + "/" + pkg}
	if strings.HasSuffix(name, "_test.go") {
		p.TestGoFiles = []string{name}
	} else {
		p.GoFiles = []string{name}
	}
	t := files(map[string]string{pkg + "/" + name: text})
	t.Packages = []Package{p}
	return t
}

// importing gives the packages of a tree one more import.
func importing(t *Tree, library string) *Tree {
	for i := range t.Packages {
		t.Packages[i].Imports = append(t.Packages[i].Imports, library)
	}
	return t
}

func files(texts map[string]string) *Tree {
	t := &Tree{Read: func(name string) ([]byte, error) {
		if text, ok := texts[name]; ok {
			return []byte(text), nil
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}}
	for name, text := range texts {
		t.Files = append(t.Files, File{Name: name, Bytes: int64(len(text))})
	}
	return t
}

func answer(text string) func(...string) ([]byte, error) {
	return func(...string) ([]byte, error) { return []byte(text), nil }
}
