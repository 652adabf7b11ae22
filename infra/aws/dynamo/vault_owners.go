package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"loch/shared/vault"
)

// CreatePersonKeys keeps each key whose owner has none yet: one call for an owner,
// whose answer is the key that is kept.
func (v *Vault) CreatePersonKeys(ctx context.Context, list []vault.PersonKey) ([][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, gaveUp(err)
	}
	first := map[vault.ID]int{}
	for i := range list {
		if _, twice := first[list[i].Owner]; !twice {
			first[list[i].Owner] = i
		}
	}
	keys := make([][]byte, len(list))
	all, bounded := errgroup.WithContext(ctx)
	all.SetLimit(atOnce)
	for _, i := range first {
		all.Go(func() error {
			x := newExpression()
			x.requireNone(vDead)
			x.requireAbsentOr(vHome, list[i].Project)
			x.setOnce(vKey, blob(list[i].Wrapped))
			if list[i].Project != "" {
				x.setOnce(vHome, text(list[i].Project))
			}
			now, err := v.updateOwner(bounded, v.effort(bounded), &list[i].Owner, x)
			keys[i] = now.blob(vKey)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	for i := range list {
		keys[i] = keys[first[list[i].Owner]]
	}
	return keys, nil
}

// Known tells of each owner whether a key belongs to it, and its project. The key of an
// identifier stands in the owner's item; who has none there may have others' tokens.
func (v *Vault) Known(ctx context.Context, owners []vault.ID) (known []bool, projects []string, err error) {
	e := v.effort(ctx)
	heads, err := v.heads(ctx, e, owners)
	if err != nil {
		return nil, nil, err
	}
	known, projects = make([]bool, len(owners)), make([]string, len(owners))
	for i := range owners {
		head := heads[owners[i]]
		projects[i] = head.text(vHome)
		if head.has(vDead) {
			continue
		}
		if known[i] = head.has(vOwn); known[i] {
			continue
		}
		q := query{pk: ownerItem(&owners[i])[pk], from: blob([]byte{underOwned}), keysOnly: true, most: 1}
		if err := v.walk(ctx, e, q, func(item) error {
			known[i] = true
			return nil
		}); err != nil {
			return nil, nil, err
		}
	}
	return known, projects, nil
}

// heads reads the owners' items that are there.
func (v *Vault) heads(ctx context.Context, e *effort, owners []vault.ID) (map[vault.ID]item, error) {
	var list []item
	asked := map[vault.ID]bool{}
	for i := range owners {
		if !asked[owners[i]] {
			asked[owners[i]] = true
			list = append(list, ownerItem(&owners[i]))
		}
	}
	items, err := v.getItems(ctx, e, list)
	heads := make(map[vault.ID]item, len(items))
	for _, i := range items {
		var o vault.ID
		copy(o[:], i.blob(pk)[1:])
		heads[o] = i
	}
	return heads, err
}

// Own adds owners to keys.
func (v *Vault) Own(ctx context.Context, owned []vault.Owned) error {
	return v.add(ctx, v.effort(ctx), owned, func(o *vault.Owned) []item {
		return []item{ownedItem(&o.Owner, &o.Key)}
	})
}

// AddIndex puts owners under blind index keys. A person's e-mail comes with every
// update that carries it, so it is looked for first: reading costs a thirtieth.
func (v *Vault) AddIndex(ctx context.Context, entries []vault.Owned) error {
	if err := ctx.Err(); err != nil {
		return gaveUp(err)
	}
	e := v.effort(ctx)
	asked := map[vault.Owned]bool{}
	var list []item
	for i := range entries {
		if o := &entries[i]; !asked[*o] {
			asked[*o] = true
			_, back := indexItems(&o.Owner, &o.Key)
			list = append(list, back)
		}
	}
	there, err := v.getItems(ctx, e, list)
	if err != nil {
		return err
	}
	for _, i := range there {
		var o vault.Owned
		copy(o.Owner[:], i.blob(pk)[1:])
		copy(o.Key[:], i.blob(sk)[1:])
		delete(asked, o)
	}
	var missing []vault.Owned
	for o := range asked {
		missing = append(missing, o)
	}
	return v.add(ctx, e, missing, func(o *vault.Owned) []item {
		front, back := indexItems(&o.Owner, &o.Key)
		return []item{front, back}
	})
}

// add writes items for owners who were not erased, a transaction at a time.
func (v *Vault) add(ctx context.Context, e *effort, owned []vault.Owned, items func(o *vault.Owned) []item) error {
	if err := ctx.Err(); err != nil {
		return gaveUp(err)
	}
	written := map[vault.Owned]bool{}
	for len(owned) > 0 {
		n := min(len(owned), entriesAtOnce)
		var writes []types.TransactWriteItem
		alive := map[vault.ID]bool{}
		for i := range owned[:n] {
			o := &owned[i]
			if written[*o] {
				continue
			}
			written[*o] = true
			if !alive[o.Owner] {
				alive[o.Owner] = true
				writes = append(writes, v.alive(&o.Owner))
			}
			for _, i := range items(o) {
				writes = append(writes, v.putting(i, nil, nil))
			}
		}
		owned = owned[n:]
		if len(writes) == 0 {
			continue
		}
		err := v.transact(ctx, e, writes)
		if _, dead := errors.AsType[*refusedCall](err); dead {
			return errErased()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
