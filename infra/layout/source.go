package layout

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// sourceRules say how packages and their source look.
var sourceRules = []Rule{
	{
		Name:    "every package says what it is",
		Instead: "Open one file of the package with a comment that a newcomer can read aloud: what the package is, and why it is there. A package of tests alone gets a doc.go.",
		Check: func(t *Tree) []string {
			var found []string
			for i := range t.Packages {
				if p := &t.Packages[i]; strings.TrimSpace(p.Doc) == "" {
					found = append(found, p.Path()+" has no package comment")
				}
			}
			return found
		},
	},
	{
		Name:    "packages are named after what they are",
		Instead: "Functions are verbs, shared packages are nouns, adapters take the name of what they adapt. A name that fits any content tells nothing.",
		Check: func(t *Tree) []string {
			var found []string
			for i := range t.Packages {
				p := &t.Packages[i]
				for _, name := range []string{p.Name, path.Base(p.ImportPath)} {
					if slices.Contains(emptyNames, strings.TrimSuffix(name, "_test")) {
						found = append(found, fmt.Sprintf("%s is called %s", p.Path(), name))
						break
					}
				}
			}
			return found
		},
	},
	{
		Name:    "files hold one idea",
		Instead: fmt.Sprintf("Most files have 80 to 250 lines. Above %d there are two ideas in one file: give the second its own, named after it.", maxLines),
		Check:   longFiles,
	},
	{
		Name:    "shared has no clock",
		Instead: "Take now func() time.Time in Deps or options, or the time as an argument; only mains know time.Now. A test then says what time it is.",
		Check: func(t *Tree) []string {
			return calls(t, func(p *Package) bool { return within(p.Path(), "shared") && p.Name != "main" },
				"time", "Now", "Since", "Until", "Sleep", "After", "Tick")
		},
	},
	{
		Name:    "only mains read the environment",
		Instead: "Take the setting as a field of Deps or Options, and read the environment in the main.",
		Check: func(t *Tree) []string {
			// What imports testing is test support, such as disktest.
			return calls(t, func(p *Package) bool { return p.Name != "main" && !slices.Contains(p.Imports, "testing") },
				"os", "Getenv", "LookupEnv", "Environ")
		},
	},
	{
		Name:    "no test is skipped",
		Instead: "Make the test able to run everywhere (install what it needs in make setup), or take it out. A skipped test is a promise that nobody keeps.",
		Check:   skips,
	},
}

// emptyNames are package names that tell nothing.
var emptyNames = []string{
	"base", "common", "constants", "core", "domain", "handler", "handlers", "helper", "helpers",
	"interfaces", "lib", "manager", "misc", "models", "pkg", "service", "services", "shared",
	"types", "util", "utils",
}

// maxLines bounds a file that is not a test. The median of the Go houses we
// admire is 85 to 165 lines; 400 leaves room for a long table or a long
// explanation, and is a length that one person still reads in one go. Tests
// are not bounded: a long table of cases is a virtue.
const maxLines = 400

func longFiles(t *Tree) []string {
	var found []string
	for i := range t.Packages {
		p := &t.Packages[i]
		for _, f := range slices.Concat(p.GoFiles, p.CgoFiles) {
			name := path.Join(p.Path(), f)
			src, err := t.Read(name)
			if err != nil {
				found = append(found, err.Error())
				continue
			}
			if n := strings.Count(string(src), "\n"); n > maxLines && !generated(src) {
				found = append(found, fmt.Sprintf("%s has %d lines", name, n))
			}
		}
	}
	return found
}

// generated says whether a file declares itself made by a program, in the words
// that the go command defines.
func generated(src []byte) bool {
	f, err := parser.ParseFile(token.NewFileSet(), "", src, parser.PackageClauseOnly|parser.ParseComments)
	return err == nil && ast.IsGenerated(f)
}

// calls finds the uses of an imported package's names in files that are not
// tests. It sees a name that is passed on ("now: time.Now") as well as a call.
func calls(t *Tree, where func(*Package) bool, pkg string, names ...string) []string {
	var found []string
	each(t, where, func(p *Package) []string { return slices.Concat(p.GoFiles, p.CgoFiles) },
		func(fset *token.FileSet, file *ast.File) {
			local := localName(file, pkg)
			if local == "" {
				return
			}
			ast.Inspect(file, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok || !slices.Contains(names, sel.Sel.Name) {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == local {
					found = append(found, fmt.Sprintf("%s uses %s.%s", fset.Position(sel.Pos()), pkg, sel.Sel.Name))
				}
				return true
			})
		}, &found)
	return found
}

// localName is the name by which a file knows an import; empty if it does not.
func localName(file *ast.File, importPath string) string {
	for _, i := range file.Imports {
		if p, err := strconv.Unquote(i.Path.Value); err != nil || p != importPath {
			continue
		}
		if i.Name != nil {
			return i.Name.Name
		}
		return path.Base(importPath)
	}
	return ""
}

// skips finds calls of Skip, Skipf and SkipNow on a parameter that is a
// *testing.T, *testing.B, *testing.F or testing.TB.
func skips(t *Tree) []string {
	var found []string
	all := func(p *Package) []string {
		return slices.Concat(p.GoFiles, p.CgoFiles, p.TestGoFiles, p.XTestGoFiles)
	}
	each(t, func(*Package) bool { return true }, all, func(fset *token.FileSet, file *ast.File) {
		local := localName(file, "testing")
		if local == "" {
			return
		}
		testers := map[string]bool{}
		ast.Inspect(file, func(n ast.Node) bool {
			if field, ok := n.(*ast.Field); ok && isTesting(field.Type, local) {
				for _, name := range field.Names {
					testers[name.Name] = true
				}
			}
			return true
		})
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || !slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name) {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && testers[x.Name] {
				found = append(found, fmt.Sprintf("%s skips", fset.Position(sel.Pos())))
			}
			return true
		})
	}, &found)
	return found
}

func isTesting(e ast.Expr, local string) bool {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == local && slices.Contains([]string{"T", "B", "F", "TB"}, sel.Sel.Name)
}

// each parses the chosen files of the chosen packages. What cannot be read or
// parsed is a finding as well.
func each(t *Tree, where func(*Package) bool, files func(*Package) []string, do func(*token.FileSet, *ast.File), found *[]string) {
	for i := range t.Packages {
		p := &t.Packages[i]
		if !where(p) {
			continue
		}
		for _, f := range files(p) {
			name := path.Join(p.Path(), f)
			src, err := t.Read(name)
			if err != nil {
				*found = append(*found, err.Error())
				continue
			}
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, name, src, 0)
			if err != nil {
				*found = append(*found, err.Error())
				continue
			}
			do(fset, file)
		}
	}
}
