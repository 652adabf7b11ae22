package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"loch/shared/vault"
)

// Create keeps the entries whose keys are new, and returns what the store holds.
func (v *Vault) Create(ctx context.Context, entries []vault.Entry) ([]vault.ID, error) {
	if err := ctx.Err(); err != nil {
		return nil, gaveUp(err)
	}
	e := v.effort(ctx)
	held := make(map[vault.Key]vault.ID, len(entries))
	var fresh []vault.Entry
	alone := true
	for _, entry := range entries {
		if entry.Owner == (vault.ID{}) {
			entry.Owner = entry.ID
		}
		if _, twice := held[entry.Key]; twice {
			continue // the first of a key counts
		}
		held[entry.Key] = entry.ID
		alone = alone && entry.Owner == entry.ID
		fresh = append(fresh, entry)
	}
	var err error
	if alone {
		err = v.createAlone(ctx, fresh, held)
	} else {
		err = v.createOwned(ctx, e, fresh, held)
	}
	if err != nil {
		return nil, err
	}
	ids := make([]vault.ID, len(entries))
	for i := range entries {
		ids[i] = held[entries[i].Key]
	}
	return ids, nil
}

// createAlone makes entries that belong to nobody but their own ids, or to nobody. It
// puts into held what others had made before.
func (v *Vault) createAlone(ctx context.Context, entries []vault.Entry, held map[vault.Key]vault.ID) error {
	ids := make([]vault.ID, len(entries))
	all, bounded := errgroup.WithContext(ctx)
	all.SetLimit(atOnce)
	for i := range entries {
		all.Go(func() (err error) {
			ids[i], err = v.createOne(bounded, &entries[i])
			return err
		})
	}
	err := all.Wait()
	for i := range entries {
		held[entries[i].Key] = ids[i]
	}
	return err
}

func (v *Vault) createOne(ctx context.Context, entry *vault.Entry) (vault.ID, error) {
	e := v.effort(ctx)
	if entry.ID != vault.Suppressed {
		own := newExpression()
		own.requireNone(vDead)
		own.addTo(vOwn, blobs(entry.Key[:]))
		if entry.Project != "" {
			own.setOnce(vHome, text(entry.Project))
		}
		if _, err := v.updateOwner(ctx, e, &entry.Owner, own); err != nil {
			return vault.ID{}, err
		}
	}
	i := entryItem(&entry.Key)
	i[vID] = blob(entry.ID[:])
	err := v.putIf(ctx, e, i, notThere, nil)
	no, there := errors.AsType[*refusedCall](err)
	if !there {
		return entry.ID, err
	}
	id, err := entryID(no.item)
	if err == nil && id != entry.ID && entry.ID != vault.Suppressed {
		v.abandon(ctx, e, entry)
	}
	return id, err
}

// abandon takes away the item of a lake id that nobody gets to know, since somebody
// else's entry was first. It is no harm if it stays.
func (v *Vault) abandon(ctx context.Context, e *effort, entry *vault.Entry) {
	_, _ = do(ctx, e, "DeleteItem", func(ctx context.Context) (struct{}, Call, error) {
		out, err := v.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: aws.String(v.name), Key: ownerItem(&entry.Owner),
			ConditionExpression:       aws.String("own=:own AND attribute_not_exists(dead) AND attribute_not_exists(person_key)"),
			ExpressionAttributeValues: item{":own": blobs(entry.Key[:])}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		})
		if err != nil {
			return struct{}{}, Call{}, err
		}
		return struct{}{}, Call{Writes: units(out.ConsumedCapacity)}, nil
	})
}

// updateOwner changes an owner's item, and returns it as it stands then.
func (v *Vault) updateOwner(ctx context.Context, e *effort, o *vault.ID, x *expression) (item, error) {
	i, err := v.updateItem(ctx, e, x, ownerItem(o))
	if no, isRefused := errors.AsType[*refusedCall](err); isRefused {
		if no.item.has(vHome) && !no.item.has(vDead) {
			return nil, errOtherProject()
		}
		return nil, errErased()
	}
	return i, err
}

// entriesAtOnce is how many entries one transaction makes: each is an entry, its place
// under an owner and the question whether the owner was erased.
const entriesAtOnce = mostInTransaction / 3

// createOwned makes entries some of which belong to others than their own ids, a
// transaction at a time. It puts into held what others had made before.
func (v *Vault) createOwned(ctx context.Context, e *effort, entries []vault.Entry, held map[vault.Key]vault.ID) error {
	for len(entries) > 0 {
		n := min(len(entries), entriesAtOnce)
		for part := entries[:n]; len(part) > 0; {
			writes, at := v.creating(part)
			err := v.transact(ctx, e, writes)
			no, isRefused := errors.AsType[*refusedCall](err)
			if !isRefused {
				if err != nil {
					return err
				}
				break
			}
			if part, err = sortOut(part, no, at, held); err != nil {
				return err
			}
		}
		entries = entries[n:]
	}
	return nil
}

// creating is the transaction that makes entries, those at first.
func (v *Vault) creating(entries []vault.Entry) (writes []types.TransactWriteItem, owners int) {
	asked := map[vault.ID]bool{}
	own := map[vault.ID][][]byte{}
	home := map[vault.ID]string{}
	for i := range entries {
		if entry := &entries[i]; entry.Owner == entry.ID && entry.ID != vault.Suppressed {
			own[entry.Owner] = append(own[entry.Owner], entry.Key[:])
			home[entry.Owner] = entry.Project
		}
	}
	for i := range entries {
		o := &entries[i].Owner
		if asked[*o] || *o == vault.Suppressed {
			continue
		}
		asked[*o] = true
		if len(own[*o]) == 0 {
			writes = append(writes, v.alive(o))
			continue
		}
		update, values := "ADD own :own", item{":own": blobs(own[*o]...)}
		if home[*o] != "" {
			update += " SET of_project=if_not_exists(of_project,:home)"
			values[":home"] = text(home[*o])
		}
		writes = append(writes, types.TransactWriteItem{Update: &types.Update{
			TableName: aws.String(v.name), Key: ownerItem(o), UpdateExpression: aws.String(update),
			ConditionExpression: aws.String("attribute_not_exists(dead)"), ExpressionAttributeValues: values,
		}})
	}
	owners = len(writes)
	for i := range entries {
		entry := &entries[i]
		made := entryItem(&entry.Key)
		made[vID] = blob(entry.ID[:])
		writes = append(writes, v.putting(made, notThere, nil))
	}
	for i := range entries {
		if entry := &entries[i]; entry.Owner != entry.ID && entry.Owner != vault.Suppressed {
			writes = append(writes, v.putting(ownedItem(&entry.Owner, &entry.Key), nil, nil))
		}
	}
	return writes, owners
}

// sortOut reads a refusal: what exists already goes into held, and what is left is to
// be tried again.
func sortOut(entries []vault.Entry, no *refusedCall, owners int, held map[vault.Key]vault.ID) (left []vault.Entry, err error) {
	for i, isRefused := range no.reasons {
		switch at := i - owners; {
		case isRefused && at < 0:
			return nil, errErased()
		case at < 0 || at >= len(entries):
		case isRefused:
			if held[entries[at].Key], err = entryID(no.items[i]); err != nil {
				return nil, err
			}
		default:
			left = append(left, entries[at])
		}
	}
	return left, nil
}
