package registry

import (
	"encoding/hex"
	"io"
	"path/filepath"
	"slices"

	"loch/shared/fault"
	"loch/shared/project"
)

// file is projects.json.
type file struct {
	Projects []entry `json:"projects"`
}

// find returns the place of a project, or -1.
func (f *file) find(id string) int {
	return slices.IndexFunc(f.Projects, func(e entry) bool { return e.ID == id })
}

// entry is one project in projects.json.
type entry struct {
	ID             string            `json:"id"`
	Token          string            `json:"token"`
	Keys           map[string]string `json:"key_hashes"`           // scope to SHA-256, hexadecimal
	ServiceAccount string            `json:"service_account_hash"` // SHA-256 of "user:secret"
	Settings       project.Settings  `json:"settings"`
}

func (e *entry) project() project.Project {
	return project.Project{ID: e.ID, Token: e.Token, Settings: e.Settings}
}

// credentials is credentials.json, for people and for the other commands.
type credentials struct {
	Project        string            `json:"project"`
	Token          string            `json:"token"`
	Keys           map[string]string `json:"keys"`
	ServiceAccount account           `json:"service_account"`
}

type account struct {
	Username string `json:"username"`
	Secret   string `json:"secret"`
}

// create makes the first project. The credentials are written before the
// projects: a crash between them leaves a folder in which both are made anew.
func (r *Registry) create(o Options) error {
	random := func(prefix string) (string, error) {
		var b [16]byte
		if _, err := io.ReadFull(o.Rand, b[:]); err != nil {
			return "", fault.Wrap(err, fault.Internal, "no randomness for the project's keys")
		}
		return prefix + hex.EncodeToString(b[:]), nil
	}
	var err error
	c := credentials{Project: "default", Token: o.WriteToken, Keys: map[string]string{}}
	if c.Token == "" {
		if c.Token, err = random(""); err != nil {
			return err
		}
	}
	e := entry{ID: c.Project, Token: c.Token, Keys: map[string]string{}}
	for _, scope := range scopes {
		key, err := random("loch_" + string(scope) + "_")
		if err != nil {
			return err
		}
		h := hash(key)
		c.Keys[string(scope)], e.Keys[string(scope)] = key, hex.EncodeToString(h[:])
	}
	c.ServiceAccount.Username = "loch-import"
	if c.ServiceAccount.Secret, err = random(""); err != nil {
		return err
	}
	h := hash(c.ServiceAccount.Username + ":" + c.ServiceAccount.Secret)
	e.ServiceAccount = hex.EncodeToString(h[:])
	if err := writeFile(filepath.Join(r.dir, "credentials.json"), c); err != nil {
		return err
	}
	r.file.Projects = []entry{e}
	return writeFile(filepath.Join(r.dir, "projects.json"), r.file)
}

// replaceToken gives the first project another write token.
func (r *Registry) replaceToken(token string) error {
	var c credentials
	path := filepath.Join(r.dir, "credentials.json")
	found, err := readFile(path, &c)
	if err != nil {
		return err
	}
	if found && c.Project == r.file.Projects[0].ID {
		c.Token = token
		if err := writeFile(path, c); err != nil {
			return err
		}
	}
	r.file.Projects[0].Token = token
	return writeFile(filepath.Join(r.dir, "projects.json"), r.file)
}
