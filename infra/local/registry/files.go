package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"loch/shared/fault"
)

// projectID is what a project's id may look like: it becomes a folder's name in
// the lake.
var projectID = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// readFile reads one of the two files strictly: a misspelt setting is an error
// that names it, not a setting without effect.
func readFile(path string, into any) (found bool, err error) {
	name := filepath.Base(path)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fault.Wrap(err, fault.Invalid, name+" cannot be read")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return false, fault.Newf(fault.Invalid, "%s is not as it should be, near byte %d: %s", name, d.InputOffset(), explain(err))
	}
	if f, ok := into.(*file); ok {
		return true, check(name, f)
	}
	return true, nil
}

// explain gives the parser's words where they name a field of ours, and none of
// the file's content.
func explain(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return "the field " + wrong.Field + " has the wrong type"
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return "not valid JSON"
	}
	return err.Error() // an unknown field, by name
}

// check holds what the rest of the program relies on.
func check(name string, f *file) error {
	if len(f.Projects) == 0 {
		return fault.New(fault.Invalid, name+" holds no project; remove it to make a new one").At("projects")
	}
	tokens := map[string]bool{}
	for _, p := range f.Projects {
		switch {
		case !projectID.MatchString(p.ID):
			return fault.New(fault.Invalid, "a project's id has 1 to 40 of a-z, 0-9 and -").At("projects.id")
		case p.Token == "":
			return fault.New(fault.Invalid, "a project needs a write token").At("projects.token")
		case tokens[p.Token]:
			return fault.New(fault.Invalid, "two projects have the same write token").At("projects.token")
		}
		tokens[p.Token] = true
	}
	return nil
}

// writeFile replaces a file so that a crash leaves the old one or the new.
func writeFile(path string, v any) error {
	name := filepath.Base(path)
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fault.Wrap(err, fault.Internal, name+" cannot be encoded")
	}
	temporary := path + ".new"
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.Write(append(text, '\n'))
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err == nil {
		var d *os.File
		if d, err = os.Open(filepath.Dir(path)); err == nil {
			err = errors.Join(d.Sync(), d.Close())
		}
	}
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, name+" cannot be written")
	}
	return nil
}
