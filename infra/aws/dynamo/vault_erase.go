package dynamo

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"loch/shared/vault"
)

// An erasure takes the owners' keys away and leaves their gravestones, in one
// transaction for up to a hundred of them: from then on their traits open nowhere, and
// nothing can be made for them. What was made before is in the owners' items, all of
// it, since whoever made it asked for the gravestone in the same transaction. It is
// taken away next, each entry together with the place under its owner from which it
// was found; so an erasure that broke off and is called for again finds what is left.

// Erase takes away all that belongs to the project's owners.
func (v *Vault) Erase(ctx context.Context, project string, owners []vault.ID, suppress bool) ([]vault.Key, error) {
	if err := ctx.Err(); err != nil {
		return nil, gaveUp(err)
	}
	r := &removal{v: v, e: v.effort(ctx), project: project, suppress: suppress, owners: map[vault.ID]bool{}}
	for part := range slices.Chunk(owners, mostInTransaction) {
		if err := r.bury(ctx, part); err != nil {
			return nil, err
		}
	}
	for again := true; again; {
		if err := r.collect(ctx); err != nil {
			return r.gone, err
		}
		var err error
		if again, err = r.entries(ctx); err != nil {
			return r.gone, err
		}
	}
	if err := r.rest(ctx); err != nil {
		return r.gone, err
	}
	return r.gone, nil
}

// removal is one erasure.
type removal struct {
	v        *Vault
	e        *effort
	project  string
	owners   map[vault.ID]bool // that are buried
	suppress bool
	gone     []vault.Key

	own   map[vault.Key]bool   // identifiers of the owners themselves
	owned map[vault.Key][]item // tokens, with their places under the owners
	index []item               // both sides of each place in the blind index
}

// bury takes the keys away and sets gravestones. Owners of other projects, of which the
// transaction tells if there are any, are left out.
func (r *removal) bury(ctx context.Context, owners []vault.ID) error {
	var left []vault.ID
	for _, o := range owners {
		if !r.owners[o] && !slices.Contains(left, o) {
			left = append(left, o)
		}
	}
	for len(left) > 0 {
		writes := make([]types.TransactWriteItem, len(left))
		for i := range left {
			writes[i].Update = &types.Update{
				TableName: aws.String(r.v.name), Key: ownerItem(&left[i]),
				UpdateExpression:          aws.String("SET dead=:yes REMOVE person_key"),
				ConditionExpression:       aws.String("attribute_not_exists(of_project) OR of_project=:project"),
				ExpressionAttributeValues: item{":yes": yes(), ":project": text(r.project)},
			}
		}
		err := r.v.transact(ctx, r.e, writes)
		if err == nil {
			break
		}
		no, isRefused := errors.AsType[*refusedCall](err)
		if !isRefused {
			return err
		}
		var mine []vault.ID
		for i := range left {
			if !no.reasons[i] {
				mine = append(mine, left[i])
			}
		}
		left = mine
	}
	for _, o := range left {
		r.owners[o] = true
	}
	return nil
}

// collect finds what is left under the owners.
func (r *removal) collect(ctx context.Context) error {
	r.own, r.owned, r.index = map[vault.Key]bool{}, map[vault.Key][]item{}, nil
	for o := range r.owners {
		err := r.v.walk(ctx, r.e, query{pk: ownerItem(&o)[pk]}, func(i item) error {
			under := i.blob(sk)
			var k vault.Key
			copy(k[:], under[1:])
			switch under[0] {
			case underOwned:
				r.owned[k] = append(r.owned[k], ownedItem(&o, &k))
			case underIndex:
				front, back := indexItems(&o, &k)
				r.index = append(r.index, front, back)
			default:
				for _, own := range i.blobs(vOwn) {
					copy(k[:], own)
					r.own[k] = true
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// entries takes the entries away. again says that one of them had changed meanwhile,
// and what is left must be looked for anew.
func (r *removal) entries(ctx context.Context) (again bool, err error) {
	var keys []vault.Key
	for k := range r.own {
		keys = append(keys, k)
	}
	for k := range r.owned {
		if !r.own[k] {
			keys = append(keys, k)
		}
	}
	found, err := r.v.entries(ctx, r.e, keys)
	if err != nil {
		return false, err
	}
	var writes []types.TransactWriteItem
	var going []vault.Key
	flush := func() error {
		if len(writes) == 0 {
			return nil
		}
		err := r.v.transact(ctx, r.e, writes)
		if err == nil {
			r.gone = append(r.gone, going...)
		}
		writes, going = nil, nil
		return err
	}
	for _, k := range keys {
		more, goes := r.entry(&k, found)
		if len(writes)+len(more) > mostInTransaction {
			if err := flush(); err != nil {
				return changed(err)
			}
		}
		// The places of a token that very many sent go first: they are no more than
		// a way to find it.
		for len(more) > mostInTransaction {
			if err := r.v.transact(ctx, r.e, more[len(more)-mostInTransaction+1:]); err != nil {
				return changed(err)
			}
			more = more[:len(more)-mostInTransaction+1]
		}
		if writes = append(writes, more...); goes {
			going = append(going, k)
		}
	}
	return changed(flush())
}

// changed tells a refusal from an error.
func changed(err error) (again bool, other error) {
	if _, again := errors.AsType[*refusedCall](err); again {
		return true, nil
	}
	return false, err
}

// entry is what takes one entry away: the entry first, then its places. An entry of an
// identifier that has become another's meanwhile stays theirs.
func (r *removal) entry(k *vault.Key, found map[vault.Key]vault.ID) (writes []types.TransactWriteItem, goes bool) {
	id, there := found[*k]
	mine := r.owners[id]
	if there && id != vault.Suppressed && (mine || len(r.owned[*k]) > 0) {
		goes = true
		condition, values := aws.String("id=:id"), item{":id": blob(id[:])}
		if i := entryItem(k); r.suppress && mine {
			i[vID] = blob(vault.Suppressed[:])
			writes = append(writes, r.v.putting(i, condition, values))
		} else {
			writes = append(writes, r.v.deleting(i, condition, values))
		}
	}
	for _, place := range r.owned[*k] {
		writes = append(writes, r.v.deleting(place, nil, nil))
	}
	return writes, goes
}

// rest takes the owners out of the blind index, and has their items forget whose they
// were and which identifiers were theirs. What is left is gravestones.
func (r *removal) rest(ctx context.Context) error {
	if err := r.v.deleteAll(ctx, r.e, r.index); err != nil {
		return err
	}
	for o := range r.owners {
		x := newExpression()
		x.take(vOwn)
		x.take(vHome)
		if _, err := r.v.updateItem(ctx, r.e, x, ownerItem(&o)); err != nil {
			return err
		}
	}
	return nil
}
