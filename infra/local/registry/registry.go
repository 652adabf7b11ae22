// Package registry knows the projects of one machine: a small file that a person
// may edit, read at start.
//
// DATA/projects.json holds each project's write token, its settings, and
// SHA-256 hashes of its API keys. The secrets themselves stand in
// DATA/credentials.json alone, which only the owner of the folder may read; they
// are random and long, so that a plain hash of one cannot be turned back.
package registry

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"loch/shared/fault"
	"loch/shared/privacy"
	"loch/shared/project"
)

// Options are what Open needs besides the folder.
type Options struct {
	// WriteToken is the token of the first project instead of a random one. On a
	// later start another token replaces the old one, which then is unknown.
	WriteToken string
	// ServiceAccounts are further "user:secret" pairs that may import into the
	// first project. They are held in memory only.
	ServiceAccounts []string
	Rand            io.Reader
	Logger          *slog.Logger
}

// Registry is a project.Registry over the file.
type Registry struct {
	dir string

	mu       sync.RWMutex
	file     file
	accounts map[[32]byte]string // hash of "user:secret" to project, from Options
}

// Open reads the projects of a data folder. On the first start it makes the
// project "default" with its token and keys, and says so by created.
func Open(dir string, o Options) (r *Registry, created bool, err error) {
	r = &Registry{dir: dir, accounts: map[[32]byte]string{}}
	found, err := readFile(filepath.Join(dir, "projects.json"), &r.file)
	if err != nil {
		return nil, false, err
	}
	if !found {
		if err := r.create(o); err != nil {
			return nil, false, err
		}
	} else if o.WriteToken != "" && o.WriteToken != r.file.Projects[0].Token {
		if err := r.replaceToken(o.WriteToken); err != nil {
			return nil, false, err
		}
		if o.Logger != nil {
			o.Logger.Warn("the project's write token was replaced; pages that carry the old one are refused now", "project", r.file.Projects[0].ID)
		}
	}
	for i := range r.file.Projects {
		if _, err := privacy.NewPolicy(r.file.Projects[i].Settings.Privacy); err != nil {
			return nil, false, fault.Wrap(err, fault.Invalid, "projects.json: "+fault.From(err).Error())
		}
	}
	for _, account := range o.ServiceAccounts {
		user, secret, ok := strings.Cut(account, ":")
		if !ok || user == "" || secret == "" {
			return nil, false, fault.New(fault.Invalid, "a service account is written user:secret").At("service-account")
		}
		r.accounts[hash(user+":"+secret)] = r.file.Projects[0].ID
	}
	return r, !found, nil
}

// DefaultToken is the write token of the first project.
func (r *Registry) DefaultToken() string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.file.Projects[0].Token
}

// IDs are those of all projects, in the file's order.
func (r *Registry) IDs() (ids []string) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for i := range r.file.Projects {
		ids = append(ids, r.file.Projects[i].ID)
	}
	return ids
}

// Settings are those of a project, the default ones where there is none of this id.
func (r *Registry) Settings(projectID string) project.Settings {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if i := r.file.find(projectID); i >= 0 {
		return r.file.Projects[i].project().Settings
	}
	return project.Settings{}
}

// ByToken finds the project that a write token belongs to.
func (r *Registry) ByToken(_ context.Context, token string) (project.Project, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for i := range r.file.Projects {
		if p := &r.file.Projects[i]; subtle.ConstantTimeCompare([]byte(p.Token), []byte(token)) == 1 {
			return p.project(), nil
		}
	}
	return project.Project{}, fault.New(fault.Unauthorized, "no project has this write token; it stands in credentials.json")
}

// ByServiceAccount finds the project that a service account may import into.
func (r *Registry) ByServiceAccount(_ context.Context, username, secret string) (project.Project, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	h := hash(username + ":" + secret)
	for i := range r.file.Projects {
		p := &r.file.Projects[i]
		if p.ServiceAccount == hex.EncodeToString(h[:]) || r.accounts[h] == p.ID {
			return p.project(), nil
		}
	}
	return project.Project{}, fault.New(fault.Unauthorized, "no project has this service account")
}

// ByKey finds the project and scope of an API key. What is compared is a hash,
// so that the time it takes says nothing about the key.
func (r *Registry) ByKey(_ context.Context, key string) (project.Key, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	sum := hash(key)
	want := hex.EncodeToString(sum[:])
	for i := range r.file.Projects {
		p := &r.file.Projects[i]
		for _, scope := range scopes {
			if p.Keys[string(scope)] == want {
				return project.Key{Project: p.project(), Scope: scope, Name: string(scope)}, nil
			}
		}
	}
	return project.Key{}, fault.New(fault.Unauthorized, "no project has this API key; the keys stand in credentials.json")
}

// AddGroupKey remembers that a project uses a kind of group. It is durable when
// it returns, so that later events have that property sealed; where it could not
// be written it is not known either, and the next call tries again.
func (r *Registry) AddGroupKey(_ context.Context, projectID, groupKey string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.file.find(projectID); i < 0 || slices.Contains(r.file.Projects[i].Settings.GroupKeys, groupKey) {
		return nil
	}
	// Somebody may have edited the file since it was read: what they wrote stays,
	// and counts from here on.
	next := file{}
	found, err := readFile(filepath.Join(r.dir, "projects.json"), &next)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "projects.json was edited and cannot be read any more; mend it, then send again")
	}
	if !found {
		next = file{Projects: slices.Clone(r.file.Projects)}
	}
	i := next.find(projectID)
	if i < 0 {
		return fault.New(fault.Unavailable, "projects.json was edited and the project is not in it any more; start the server again")
	}
	settings := &next.Projects[i].Settings
	if !slices.Contains(settings.GroupKeys, groupKey) {
		switch {
		case settings.OnlyListedGroups:
			r.file = next
			return fault.New(fault.Forbidden, "the project takes the kinds of group that group_keys lists, only").At("only_listed_groups")
		case len(settings.GroupKeys) >= project.MaxGroupKeys:
			return fault.Newf(fault.Invalid, "a project may have %d kinds of group", project.MaxGroupKeys)
		}
		// A new list: readers hold the old one.
		settings.GroupKeys = append(slices.Clone(settings.GroupKeys), groupKey)
		if err := writeFile(filepath.Join(r.dir, "projects.json"), next); err != nil {
			return err
		}
	}
	r.file = next
	return nil
}

var scopes = []project.Scope{project.Read, project.PII, project.Erase}

func hash(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }
