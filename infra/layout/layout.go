// Package layout holds the shape of the tree: who may import whom, which heavy
// libraries stand where, how packages and files look.
//
// The shape is what lets the same handlers run on AWS and on one machine, and
// what lets a newcomer guess where a thing is. Prose alone does not keep it, so
// each sentence of it is a Rule here, and a test runs all of them over the real
// tree. A rule that fails says what to do instead. To change the shape, change
// the rule and the README's map in the same commit.
package layout

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Module is the import path that every package of the house starts with.
const Module = "loch"

// Package is what the rules need to know about one package; the field names are
// those of `go list -json`.
type Package struct {
	ImportPath string
	Name       string
	Doc        string
	Dir        string

	GoFiles      []string
	CgoFiles     []string
	TestGoFiles  []string
	XTestGoFiles []string

	Imports      []string
	TestImports  []string
	XTestImports []string
}

// Path is the import path within the module: "shared/event".
func (p *Package) Path() string {
	return strings.TrimPrefix(p.ImportPath, Module+"/")
}

// Own returns the packages of the house that the given imports name, by their
// Path.
func Own(imports []string) []string {
	var own []string
	for _, i := range imports {
		if rest, ok := strings.CutPrefix(i, Module+"/"); ok {
			own = append(own, rest)
		}
	}
	return own
}

// testImports are the imports of the test files, inside and outside the
// package, without the package itself.
func (p *Package) testImports() []string {
	all := slices.Concat(p.TestImports, p.XTestImports)
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(i string) bool { return i == p.ImportPath })
}

// Tree is what the rules look at: the packages, the other files, and how to
// read one.
type Tree struct {
	Packages []Package
	Files    []File                               // everything that is, or would be, committed
	Read     func(name string) ([]byte, error)    // by File.Name
	Go       func(args ...string) ([]byte, error) // runs the go command at the root
}

// File is one file of the tree; Name is its path from the root, with slashes.
type File struct {
	Name  string
	Bytes int64
}

// Rule is one sentence about the tree. Check returns one line for each place
// that breaks it; Instead says what to do about all of them.
type Rule struct {
	Name    string
	Instead string
	Check   func(*Tree) []string
}

// Rules lists every rule.
var Rules = slices.Concat(arrowRules, weightRules, sourceRules, fileRules)

// within says whether pkg is root or below it.
func within(pkg, root string) bool {
	return pkg == root || strings.HasPrefix(pkg, root+"/")
}

// isLambdaMain says whether a package is a function's AWS wiring.
func isLambdaMain(pkg string) bool {
	ok, err := path.Match("functions/*/lambda", pkg)
	return err == nil && ok
}

// head returns the first n elements of a path: head("a/b/c", 2) is "a/b".
func head(pkg string, n int) string {
	parts := strings.Split(pkg, "/")
	return strings.Join(parts[:min(n, len(parts))], "/")
}

func edge(from, to string) string { return fmt.Sprintf("%s imports %s", from, to) }
