// Package templatetest opens the stack's templates for tests, as they are on disk now.
package templatetest

import (
	"os/exec"
	"path/filepath"
	"testing"

	"loch/infra/aws/template"
)

// Root is the root of the tree, seen from a package's folder.
func Root(t testing.TB) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(string(out))
}

// Open transforms the templates and opens the stack with parameters.
func Open(t testing.TB, name string, parameters map[string]string) *template.Stack {
	t.Helper()
	return Opened(t, Folder(t), name, parameters)
}

// Folder transforms the templates into a folder of the test's.
func Folder(t testing.TB) string {
	t.Helper()
	root, folder := Root(t), t.TempDir()
	c := exec.CommandContext(t.Context(), filepath.Join(root, ".ci/python"), "infra/aws/template/transform.py", ".", folder)
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("the templates cannot be transformed: %v\n%s", err, out)
	}
	return folder
}

// Opened opens the stack from a folder that Folder made.
func Opened(t testing.TB, folder, name string, parameters map[string]string) *template.Stack {
	t.Helper()
	s, err := template.Open(folder, name, parameters)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
