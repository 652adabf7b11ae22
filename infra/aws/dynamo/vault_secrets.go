package dynamo

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"loch/shared/fault"
)

// The vault's secrets, a root and a key for each project, are attributes of one item:
// so all of them are replaced at once or none, however many they are. Each takes some
// 250 bytes, so there is room for the keys of a thousand projects.

const mostSecretBytes = 380 << 10

func secretsItem() item { return vaultItem(kindSecrets, nil) }

// Secret returns a secret of the vault itself.
func (v *Vault) Secret(ctx context.Context, name string) (value []byte, ok bool, err error) {
	i, err := v.getItem(ctx, v.effort(ctx), secretsItem())
	value = i.blob(traitDot + name)
	return value, value != nil, err
}

// Secrets calls fn for every secret whose name begins with prefix, in order.
func (v *Vault) Secrets(ctx context.Context, prefix string, fn func(name string, value []byte) error) error {
	i, err := v.getItem(ctx, v.effort(ctx), secretsItem())
	if err != nil {
		return err
	}
	for _, attribute := range slices.Sorted(maps.Keys(i)) {
		name, ok := strings.CutPrefix(attribute, traitDot)
		if !ok || !strings.HasPrefix(name, prefix) {
			continue
		}
		if err := fn(name, i.blob(attribute)); err != nil {
			return err
		}
	}
	return nil
}

// CreateSecret keeps the value if the name has none.
func (v *Vault) CreateSecret(ctx context.Context, name string, value []byte) ([]byte, error) {
	x := newExpression()
	x.setOnce(traitDot+name, blob(value))
	x.addTo(aRev, number(1))
	now, err := v.updateItem(ctx, v.effort(ctx), x, secretsItem())
	return now.blob(traitDot + name), err
}

// ReplaceSecrets writes all of the values or none; nil deletes.
func (v *Vault) ReplaceSecrets(ctx context.Context, values map[string][]byte) error {
	e := v.effort(ctx)
	for {
		i, err := v.getItem(ctx, e, secretsItem())
		if err != nil {
			return err
		}
		next := maps.Clone(i)
		if next == nil {
			next = secretsItem()
		}
		for name, value := range values {
			if next[traitDot+name] = blob(value); value == nil {
				delete(next, traitDot+name)
			}
		}
		size := 0
		for name := range next {
			size += len(name) + len(next.blob(name))
		}
		if size > mostSecretBytes {
			return fault.New(fault.TooLarge, "the vault has no room for more keys of projects; there is room for about a thousand")
		}
		r := record{rev: i.number(aRev)}
		next[aRev] = number(r.rev + 1)
		condition, known := r.unchanged()
		err = v.putIf(ctx, e, next, condition, known)
		if _, changed := errors.AsType[*refusedCall](err); !changed {
			return err
		}
		if err := e.yield(ctx); err != nil {
			return err
		}
	}
}
