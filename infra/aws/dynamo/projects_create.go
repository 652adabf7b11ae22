package dynamo

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"loch/shared/fault"
	"loch/shared/privacy"
	"loch/shared/project"
)

// Credentials are a new project's secrets. They are told once: the table has hashes.
type Credentials struct {
	Project  string
	Token    string
	Keys     map[project.Scope]string
	Username string // of a service account that may import
	Secret   string
}

// Create makes a project. token is its write token, a random one if it is empty. It
// returns fault.Conflict where the id or the token is taken.
func (r *Projects) Create(ctx context.Context, id, token string, s project.Settings) (Credentials, error) {
	if err := check(id, token, &s); err != nil {
		return Credentials{}, err
	}
	c, err := r.draw(id, token)
	if err != nil {
		return Credentials{}, err
	}
	hashes := map[project.Scope]string{}
	for scope, key := range c.Keys {
		hashes[scope] = hashOf(key)
	}
	keys, err := json.Marshal(hashes)
	if err != nil {
		return Credentials{}, fault.Wrap(err, fault.Internal, "a project could not be written")
	}
	i := projectKey(id)
	i[jProject], i[jToken], i[jKeys] = text(id), text(c.Token), text(string(keys))
	i[jAccount], i[aRev] = text(hashOf(c.Username+":"+c.Secret)), number(1)
	if i[jSettings], err = encodeTold(s); err != nil {
		return Credentials{}, err
	}
	writes := []types.TransactWriteItem{r.putting(i, notThere, nil)}
	leads := []item{tokenKey(c.Token), secretKey("account", c.Username+":"+c.Secret)}
	for _, key := range c.Keys {
		leads = append(leads, secretKey("key", key))
	}
	for _, l := range leads {
		l[jProject] = text(id)
		writes = append(writes, r.putting(l, notThere, nil))
	}
	err = r.transact(ctx, r.effort(ctx), writes)
	if _, taken := errors.AsType[*refusedCall](err); taken {
		return Credentials{}, fault.New(fault.Conflict, "another project has this id or this write token")
	}
	return c, err
}

func check(id, token string, s *project.Settings) error {
	if err := project.CheckID(id); err != nil {
		return err
	}
	if len(token) > mostToken {
		return fault.Newf(fault.Invalid, "a write token has at most %d bytes", mostToken).At("token")
	}
	return checkSettings(s)
}

func checkSettings(s *project.Settings) error {
	if err := s.Check(); err != nil {
		return err
	}
	_, err := privacy.NewPolicy(s.Privacy)
	return err
}

// draw draws a project's secrets.
func (r *Projects) draw(id, token string) (c Credentials, err error) {
	random := func(prefix string) string {
		var b [16]byte
		if _, e := io.ReadFull(r.Rand, b[:]); e != nil {
			err = fault.Wrap(e, fault.Unavailable, "no randomness for the project's keys")
		}
		return prefix + hex.EncodeToString(b[:])
	}
	c = Credentials{Project: id, Token: token, Keys: map[project.Scope]string{}, Username: "loch-import", Secret: random("")}
	if token == "" {
		c.Token = random("")
	}
	for _, scope := range scopes {
		c.Keys[scope] = random("loch_" + string(scope) + "_")
	}
	return c, err
}

// SetSettings gives a project other settings. Kinds of group that came up by
// themselves meanwhile are lost unless change keeps them.
func (r *Projects) SetSettings(ctx context.Context, id string, change func(*project.Settings)) error {
	return r.change(ctx, id, func(s *project.Settings) (bool, error) {
		change(s)
		return true, checkSettings(s)
	})
}

// rewrite writes a project's item with other settings, if nobody wrote it meanwhile.
func (r *Projects) rewrite(ctx context.Context, e *effort, i item, s *project.Settings) error {
	next := maps.Clone(i)
	var err error
	if next[jSettings], err = encodeTold(s); err != nil {
		return err
	}
	next[aRev] = number(i.number(aRev) + 1)
	if err := r.putIf(ctx, e, next, aws.String("rev=:rev"), item{":rev": i[aRev]}); err != nil {
		return err
	}
	r.recent.Add(i.text(pk), knownItem{next, r.Now()})
	return nil
}

// ReplaceToken gives a project another write token; the old one is unknown from then
// on, to other instances within projectFor.
func (r *Projects) ReplaceToken(ctx context.Context, id, token string) error {
	if token == "" || len(token) > mostToken {
		return fault.Newf(fault.Invalid, "a write token has 1 to %d bytes", mostToken).At("token")
	}
	e := r.effort(ctx)
	for {
		i, err := r.getItem(ctx, e, projectKey(id))
		if err == nil && i == nil {
			err = fault.New(fault.NotFound, "there is no project of this id")
		}
		if err != nil || i.text(jToken) == token {
			return err
		}
		next, leads := maps.Clone(i), tokenKey(token)
		next[jToken], next[aRev], leads[jProject] = text(token), number(i.number(aRev)+1), text(id)
		err = r.transact(ctx, e, []types.TransactWriteItem{
			r.putting(leads, notThere, nil), r.putting(next, aws.String("rev=:rev"), item{":rev": i[aRev]}),
			r.deleting(tokenKey(i.text(jToken)), nil, nil),
		})
		r.recent.Purge()
		no, isRefused := errors.AsType[*refusedCall](err)
		switch {
		case !isRefused:
			return err
		case no.reasons[0]:
			return fault.New(fault.Conflict, "another project has this write token")
		}
		if err := e.yield(ctx); err != nil {
			return err
		}
	}
}

// List returns all projects, by their ids. There are few, and the table holds little
// else.
func (r *Projects) List(ctx context.Context) (list []project.Project, err error) {
	in := &dynamodb.ScanInput{TableName: aws.String(r.name), ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}
	for e := r.effort(ctx); ; {
		out, err := do(ctx, e, "Scan", func(ctx context.Context) (*dynamodb.ScanOutput, Call, error) {
			out, err := r.api.Scan(ctx, in)
			if err != nil {
				return nil, Call{}, err
			}
			return out, Call{Reads: units(out.ConsumedCapacity)}, nil
		})
		if err != nil {
			return nil, err
		}
		for _, i := range out.Items {
			if !strings.HasPrefix(item(i).text(pk), "project/") {
				continue
			}
			p, err := decodeProject(i)
			if err != nil {
				return nil, err
			}
			list = append(list, p)
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			return list, nil
		}
	}
}
