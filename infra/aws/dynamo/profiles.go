package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"loch/shared/fault"
	"loch/shared/profile"
)

// Profiles is a profile.Store, and a profile.Merger.
type Profiles struct {
	*table
	recent recent
	turns  *turns
}

var (
	_ profile.Store  = (*Profiles)(nil)
	_ profile.Merger = (*Profiles)(nil)
)

// NewProfiles returns the store over the table of profiles.
func NewProfiles(api *dynamodb.Client, o Options) *Profiles {
	o.Patience = min(o.Patience, mostPatience)
	return &Profiles{table: newTable(api, ProfilesTable, o), recent: newRecent(), turns: newTurns()}
}

// Get returns the profile of a lake id, for a linked device its user's.
func (s *Profiles) Get(ctx context.Context, project, id string) (profile.Profile, error) {
	e := s.effort(ctx)
	r, err := s.root(ctx, e, key{project, id})
	if err == nil {
		err = s.load(ctx, e, r)
	}
	if err == nil && !r.exists() {
		err = fault.New(fault.NotFound, "there is no profile for this id")
	}
	if err != nil {
		return profile.Profile{}, err
	}
	return r.p, nil
}

// Whose returns for each id the person it belongs to. Where memory knows all of them
// as one person, it says so: that is nearly every event of somebody who is logged in.
// Where it does not, or knows several, whoever an id ends at is read.
func (s *Profiles) Whose(ctx context.Context, project string, ids []string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, gaveUp(err)
	}
	p := newPlan(ctx, s)
	people := make([]string, len(ids))
	tell := func() (one bool) {
		one = true
		for i, id := range ids {
			who, unread := p.follow(key{project, id})
			people[i] = who.id
			one = one && people[i] == people[0] && (!unread || s.recent.isRoot(who, s.Now()))
		}
		return one
	}
	if tell() {
		return people, nil
	}
	keys := make([]key, len(ids))
	for i, id := range ids {
		keys[i] = key{project, id}
	}
	if err := p.read(ctx, keys); err != nil {
		return nil, err
	}
	tell()
	return people, nil
}

// root reads the record of the person whom an id belongs to.
func (s *Profiles) root(ctx context.Context, e *effort, k key) (*record, error) {
	for {
		r, err := s.read(ctx, e, k)
		if err != nil || r.to == "" {
			return r, err
		}
		k = key{k.project, r.to}
	}
}

// read reads one record. All reads are consistent: what was acknowledged is seen.
func (s *Profiles) read(ctx context.Context, e *effort, k key) (*record, error) {
	found, err := s.getItem(ctx, e, k.item(skProfile))
	if err != nil {
		return nil, err
	}
	r, err := decodeRecord(k, found)
	if err == nil {
		s.recent.saw(r, s.Now())
	}
	return r, err
}

// load gets the traits of a profile that has them in parts. Whoever writes such a
// profile writes other parts, says so in its item, and takes the old ones away; so if
// one is missing, the item is read again.
func (s *Profiles) load(ctx context.Context, e *effort, r *record) error {
	for !r.whole {
		text, ok, err := s.readParts(ctx, e, r)
		if err != nil {
			return err
		}
		if ok {
			r.p.Traits, err = decodeTraits(text)
			r.whole = true
			return err
		}
		again, err := s.read(ctx, e, r.key)
		if err != nil {
			return err
		}
		*r = *again
	}
	return nil
}

// getItem reads one item; nil is none.
func (t *table) getItem(ctx context.Context, e *effort, k item) (item, error) {
	out, err := do(ctx, e, "GetItem", func(ctx context.Context) (*dynamodb.GetItemOutput, Call, error) {
		out, err := t.api.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: aws.String(t.name), Key: k, ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		})
		if err != nil {
			return nil, Call{}, err
		}
		return out, Call{Reads: units(out.ConsumedCapacity)}, nil
	})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}

// mostInBatch is how many items one BatchGetItem may ask for.
const mostInBatch = 100

// getItems reads items by their keys, in no order; those that are not there are left
// out. No key may come twice.
func (t *table) getItems(ctx context.Context, e *effort, keys []item) (found []item, err error) {
	for len(keys) > 0 {
		n := min(len(keys), mostInBatch)
		ask := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
		for _, k := range keys[:n] {
			ask.Keys = append(ask.Keys, k)
		}
		out, err := do(ctx, e, "BatchGetItem", func(ctx context.Context) (*dynamodb.BatchGetItemOutput, Call, error) {
			out, err := t.api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
				RequestItems: map[string]types.KeysAndAttributes{t.name: ask}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
			})
			if err != nil {
				return nil, Call{}, err
			}
			return out, Call{Reads: max(sum(out.ConsumedCapacity), float64(len(ask.Keys)-len(out.UnprocessedKeys[t.name].Keys)))}, nil
		})
		if err != nil {
			return nil, err
		}
		for _, i := range out.Responses[t.name] {
			found = append(found, i)
		}
		keys = keys[n:]
		if left := out.UnprocessedKeys[t.name].Keys; len(left) > 0 {
			for _, k := range left {
				keys = append(keys, k)
			}
			if err := e.wait(ctx, errBusy); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

func units(c *types.ConsumedCapacity) float64 {
	if c == nil || c.CapacityUnits == nil {
		return 0
	}
	return *c.CapacityUnits
}

func sum(list []types.ConsumedCapacity) (total float64) {
	for i := range list {
		total += units(&list[i])
	}
	return total
}
