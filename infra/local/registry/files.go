package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"loch/shared/fault"
	"loch/shared/project"
)

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
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return false, fault.Newf(fault.Invalid, "%s goes on after its end, near byte %d", name, d.InputOffset())
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
	tokens, ids := map[string]bool{}, map[string]bool{}
	for _, p := range f.Projects {
		for _, err := range []error{project.CheckID(p.ID), p.Settings.Check()} {
			if err != nil {
				wrong := fault.From(err)
				return wrong.At("projects." + wrong.Field)
			}
		}
		switch {
		case ids[p.ID]:
			return fault.New(fault.Invalid, "two projects have the same id").At("projects.id")
		case p.Token == "":
			return fault.New(fault.Invalid, "a project needs a write token").At("projects.token")
		case tokens[p.Token]:
			return fault.New(fault.Invalid, "two projects have the same write token").At("projects.token")
		case p.ServiceAccount != "" && !isHash(p.ServiceAccount):
			return fault.New(fault.Invalid, `a hash is 64 lower-case hexadecimal digits: printf %s user:secret | sha256sum`).At("projects.service_account_hash")
		}
		for scope, h := range p.Keys {
			// A misspelt scope would be a key that opens nothing, without a word.
			if !slices.Contains(scopes, project.Scope(scope)) {
				return fault.New(fault.Invalid, "the scopes of keys are read, pii and erase").At("projects.key_hashes")
			}
			if !isHash(h) {
				return fault.New(fault.Invalid, "a hash is 64 lower-case hexadecimal digits: printf %s KEY | sha256sum").At("projects.key_hashes." + scope)
			}
		}
		tokens[p.Token], ids[p.ID] = true, true
	}
	return nil
}

func isHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size && s == strings.ToLower(s)
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
