package dynamo

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	lru "github.com/hashicorp/golang-lru/v2"

	"loch/shared/fault"
	"loch/shared/project"
)

// Projects is a project.Registry. An item holds a project, with its settings and the
// hashes of its secrets; further items lead from a token, a key or an account to it:
//
//	project/<id>        all there is
//	token/<token>       which project; so for
//	key/<SHA-256>       API keys and
//	account/<SHA-256>   service accounts, "user:secret"
//
// What leads somewhere proves nothing: the project's own item says whether a secret is
// still one of its own.
//
// What was read is believed for projectFor, in which a changed setting, a replaced
// token or a new kind of group may go unnoticed by other instances.
type Projects struct {
	*table
	recent *lru.Cache[string, knownItem]
}

var _ project.Registry = (*Projects)(nil)

const (
	projectFor     = 10 * time.Second
	recentProjects = 4096
)

type knownItem struct {
	item item
	at   time.Time
}

// The attributes of a project's item, and of those that lead to it.
const (
	jProject  = "project"  // of what leads: the id
	jToken    = "write"    // the write token
	jKeys     = "keys"     // scope to SHA-256, JSON
	jAccount  = "account"  // SHA-256 of "user:secret"
	jSettings = "settings" // JSON
)

// NewProjects returns the registry over the table of projects.
func NewProjects(api *dynamodb.Client, o Options) *Projects {
	known, err := lru.New[string, knownItem](recentProjects)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return &Projects{newTable(api, ProjectsTable, o), known}
}

func projectKey(id string) item { return item{pk: text("project/" + id)} }
func tokenKey(t string) item    { return item{pk: text("token/" + t)} }
func secretKey(kind, secret string) item {
	return item{pk: text(kind + "/" + hashOf(secret))}
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

var scopes = []project.Scope{project.Read, project.PII, project.Erase}

// ByToken finds the project that a write token belongs to.
func (r *Projects) ByToken(ctx context.Context, token string) (project.Project, error) {
	unknown := fault.New(fault.Unauthorized, "no project has this write token")
	if token == "" || len(token) > mostToken {
		return project.Project{}, unknown
	}
	i, err := r.follow(ctx, tokenKey(token), unknown)
	if err == nil && !same(i.text(jToken), token) {
		err = unknown
	}
	if err != nil {
		return project.Project{}, err
	}
	return decodeProject(i)
}

// mostToken is how long a write token may be: DynamoDB takes keys of 2 KB.
const mostToken = 1024

// ByServiceAccount finds the project that a service account may import into.
func (r *Projects) ByServiceAccount(ctx context.Context, username, secret string) (project.Project, error) {
	unknown := fault.New(fault.Unauthorized, "no project has this service account")
	if username == "" || secret == "" {
		return project.Project{}, unknown
	}
	account := username + ":" + secret
	i, err := r.follow(ctx, secretKey("account", account), unknown)
	if err == nil && !same(i.text(jAccount), hashOf(account)) {
		err = unknown
	}
	if err != nil {
		return project.Project{}, err
	}
	return decodeProject(i)
}

// ByKey finds the project and scope of an API key.
func (r *Projects) ByKey(ctx context.Context, key string) (project.Key, error) {
	unknown := fault.New(fault.Unauthorized, "no project has this API key")
	i, err := r.follow(ctx, secretKey("key", key), unknown)
	if err != nil {
		return project.Key{}, err
	}
	var keys map[string]string
	if json.Unmarshal([]byte(i.text(jKeys)), &keys) != nil {
		return project.Key{}, damaged("projects")
	}
	for _, scope := range scopes {
		if !same(keys[string(scope)], hashOf(key)) {
			continue
		}
		p, err := decodeProject(i)
		return project.Key{Project: p, Scope: scope, Name: string(scope)}, err
	}
	return project.Key{}, unknown
}

// same compares in a time that says nothing. What is empty is nothing's equal.
func same(a, b string) bool { return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// follow returns the item of the project that another leads to.
func (r *Projects) follow(ctx context.Context, from item, unknown error) (item, error) {
	leads, err := r.get(ctx, from)
	if err != nil {
		return nil, err
	}
	if leads == nil {
		return nil, unknown
	}
	i, err := r.get(ctx, projectKey(leads.text(jProject)))
	if err == nil && i == nil {
		err = unknown
	}
	return i, err
}

// get returns an item from memory or from the table. That there is none is not
// remembered: somebody who makes a project uses it at once.
func (r *Projects) get(ctx context.Context, k item) (item, error) {
	name, now := k.text(pk), r.Now()
	if known, ok := r.recent.Get(name); ok && now.Sub(known.at) < projectFor {
		return known.item, nil
	}
	i, err := r.getItem(ctx, r.effort(ctx), k)
	if err == nil && i != nil {
		r.recent.Add(name, knownItem{i, now})
	}
	return i, err
}

func decodeProject(i item) (p project.Project, err error) {
	p.ID, p.Token = i.text(jProject), i.text(jToken)
	if json.Unmarshal([]byte(i.text(jSettings)), &p.Settings) != nil {
		return p, damaged("projects")
	}
	return p, nil
}

// Settings are those of a project, as they stand in the table.
func (r *Projects) Settings(ctx context.Context, id string) (project.Settings, error) {
	i, err := r.getItem(ctx, r.effort(ctx), projectKey(id))
	if err == nil && i == nil {
		err = fault.New(fault.NotFound, "there is no project of this id")
	}
	if err != nil {
		return project.Settings{}, err
	}
	p, err := decodeProject(i)
	return p.Settings, err
}

// AddGroupKey remembers that a project uses a kind of group. Other instances know
// within projectFor.
func (r *Projects) AddGroupKey(ctx context.Context, projectID, groupKey string) error {
	err := r.change(ctx, projectID, func(s *project.Settings) (changed bool, err error) {
		switch {
		case slices.Contains(s.GroupKeys, groupKey):
			return false, nil
		case s.OnlyListedGroups:
			return false, fault.New(fault.Forbidden, "the project takes the kinds of group that group_keys lists, only").At("only_listed_groups")
		case len(s.GroupKeys) >= project.MaxGroupKeys:
			return false, fault.Newf(fault.Invalid, "a project may have %d kinds of group", project.MaxGroupKeys)
		}
		s.GroupKeys = append(s.GroupKeys, groupKey)
		return true, nil
	})
	if fault.CodeOf(err) == fault.NotFound {
		return nil // whoever asks has found it a moment ago
	}
	return err
}

// change changes a project's settings, if fn says so.
func (r *Projects) change(ctx context.Context, id string, fn func(*project.Settings) (changed bool, err error)) error {
	e := r.effort(ctx)
	for {
		i, err := r.getItem(ctx, e, projectKey(id))
		if err == nil && i == nil {
			err = fault.New(fault.NotFound, "there is no project of this id")
		}
		if err != nil {
			return err
		}
		r.recent.Add("project/"+id, knownItem{i, r.Now()})
		p, err := decodeProject(i)
		if err != nil {
			return err
		}
		if changed, err := fn(&p.Settings); err != nil || !changed {
			return err
		}
		if err = r.rewrite(ctx, e, i, &p.Settings); err == nil {
			return nil
		}
		if _, other := errors.AsType[*refusedCall](err); !other {
			return err
		}
		if err := e.yield(ctx); err != nil {
			return err
		}
	}
}
