package layout

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// fileRules are about what is committed besides Go source.
var fileRules = []Rule{
	{
		Name:    "the README's map is complete",
		Instead: "Add the folder to the map in README.md with the sentence that its package comment opens with.",
		Check:   unmapped,
	},
	{
		Name:    "no large file is committed",
		Instead: fmt.Sprintf("Install data from a pinned package at build time, or make it from a seed. The bound is %d KiB.", maxFileBytes>>10),
		Check: func(t *Tree) []string {
			var found []string
			for _, f := range t.Files {
				if f.Bytes > maxFileBytes {
					found = append(found, fmt.Sprintf("%s has %d KiB", f.Name, f.Bytes>>10))
				}
			}
			return found
		},
	},
	{
		Name:    "go.mod stands for itself",
		Instead: "A replace changes what a reader of go.mod believes to be built. Depend on a released version.",
		Check:   replaced,
	},
	{
		Name:    "lock files name no registry",
		Instead: "Put omit-lockfile-registry-resolved=true into the .npmrc beside package.json and write the lock again, so that it works with any mirror.",
		Check: func(t *Tree) []string {
			var found []string
			for _, f := range t.Files {
				if !strings.HasSuffix(f.Name, "package-lock.json") {
					continue
				}
				text, err := t.Read(f.Name)
				if err != nil {
					found = append(found, err.Error())
				} else if strings.Contains(string(text), `"resolved"`) {
					found = append(found, f.Name+" holds addresses of packages")
				}
			}
			return found
		},
	},
}

// maxFileBytes bounds one committed file: a clone stays quick for ever.
const maxFileBytes = 1 << 20

// unmapped finds folders that README.md does not name: those at the root, and
// the folders of functions, shared and infra, which are the house's words.
func unmapped(t *Tree) []string {
	readme, err := t.Read("README.md")
	if err != nil {
		return []string{err.Error()}
	}
	var folders []string
	for _, f := range t.Files {
		parts := strings.Split(f.Name, "/")
		if len(parts) < 2 || strings.HasPrefix(parts[0], ".") {
			continue
		}
		folders = append(folders, parts[0])
		if len(parts) > 2 && slices.Contains([]string{"functions", "shared", "infra"}, parts[0]) {
			folders = append(folders, parts[1])
		}
	}
	slices.Sort(folders)
	var found []string
	for _, f := range slices.Compact(folders) {
		if !strings.Contains(string(readme), f+"/") {
			found = append(found, "README.md does not name "+f+"/")
		}
	}
	return found
}

func replaced(t *Tree) []string {
	out, err := t.Go("mod", "edit", "-json")
	if err != nil {
		return []string{fmt.Sprintf("go mod edit -json: %v\n%s", err, out)}
	}
	var mod struct {
		Replace []struct{ Old struct{ Path string } }
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		return []string{err.Error()}
	}
	var found []string
	for _, r := range mod.Replace {
		found = append(found, "go.mod replaces "+r.Old.Path)
	}
	return found
}
