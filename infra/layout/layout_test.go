package layout

import (
	"strings"
	"testing"
)

// TestTree runs every rule over the real tree.
func TestTree(t *testing.T) {
	tree, err := Load("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.Packages) < 10 || len(tree.Files) < 10 {
		t.Fatalf("only %d packages and %d files were found: the rules would hold for an empty tree", len(tree.Packages), len(tree.Files))
	}
	for _, rule := range Rules {
		t.Run(strings.ReplaceAll(rule.Name, " ", "-"), func(t *testing.T) {
			if found := rule.Check(tree); len(found) > 0 {
				t.Errorf("%s:\n  %s\n%s", rule.Name, strings.Join(found, "\n  "), rule.Instead)
			}
		})
	}
}
