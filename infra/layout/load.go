package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Load reads the tree at root with the go command and git.
func Load(root string) (*Tree, error) {
	t := &Tree{
		Read: func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(root, filepath.FromSlash(name))) },
		Go: func(args ...string) ([]byte, error) {
			cmd := exec.Command("go", args...)
			cmd.Dir = root
			cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
			return cmd.CombinedOutput()
		},
	}
	if err := t.listPackages(root); err != nil {
		return nil, err
	}
	return t, t.listFiles(root)
}

func (t *Tree) listPackages(root string) error {
	cmd := exec.Command("go", "list", "-e", "-json", "./...")
	cmd.Dir = root
	// With cgo, since the one package that needs it should be seen as it is.
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=1")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go list: %w\n%s", err, problems.String())
	}
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p Package
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("go list: %w", err)
		}
		t.Packages = append(t.Packages, p)
	}
}

// listFiles asks git for what is committed or about to be. A source archive has
// no git: there, everything that is not made by a build counts.
func (t *Tree) listFiles(root string) error {
	if _, err := os.Stat(filepath.Join(root, ".git")); errors.Is(err, fs.ErrNotExist) {
		return t.walkFiles(root)
	}
	cmd := exec.Command("git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(root, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed, and not yet committed as such
		}
		if err != nil {
			return err
		}
		t.Files = append(t.Files, File{Name: name, Bytes: info.Size()})
	}
	return nil
}

// made are the folders that a build makes; .gitignore lists the same.
var made = map[string]bool{"bin": true, "build": true, "data": true, "node_modules": true, ".git": true}

func (t *Tree) walkFiles(root string) error {
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		if d.IsDir() {
			// Below the root, "data" may be a folder of sources.
			if base := d.Name(); made[base] && (base == "node_modules" || !strings.Contains(rel, string(filepath.Separator))) {
				return filepath.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if ext := filepath.Ext(rel); ext != ".mmdb" && ext != ".gz" {
			t.Files = append(t.Files, File{Name: filepath.ToSlash(rel), Bytes: info.Size()})
		}
		return nil
	})
}
