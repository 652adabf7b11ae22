package vault

import "context"

// IDs returns the lake id of each identifier, in order, making those that do
// not exist yet. They are durable when it returns. A suppressed identifier has
// the id Suppressed.
func (v *Vault) IDs(ctx context.Context, identifiers []Identifier) ([]ID, error) {
	return v.make(ctx, identifiers, nil)
}

// make is IDs, where the new ids belong to owners other than themselves if owners
// says so.
func (v *Vault) make(ctx context.Context, identifiers []Identifier, owners []ID) ([]ID, error) {
	ids := make([]ID, len(identifiers))
	var missing []Key
	var at []int
	nowMS, erasures := v.now().UnixMilli(), v.erasures.Load()
	for i, identifier := range identifiers {
		k := v.key(identifier)
		if hit, ok := v.ids.Get(k); ok && nowMS < hit.until {
			ids[i] = hit.id
			continue
		}
		missing, at = append(missing, k), append(at, i)
	}
	if len(missing) == 0 {
		return ids, nil
	}
	found, ok, err := v.store.Find(ctx, missing)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	var entryAt []int
	for j, k := range missing {
		if ok[j] {
			ids[at[j]] = found[j]
			v.remember(k, found[j], erasures)
			continue
		}
		e := Entry{Key: k}
		if err := v.random(e.ID[:], "a lake id"); err != nil {
			return nil, err
		}
		if e.Owner = e.ID; owners != nil && owners[at[j]] != (ID{}) {
			e.Owner = owners[at[j]]
		}
		entries, entryAt = append(entries, e), append(entryAt, at[j])
	}
	if len(entries) == 0 {
		return ids, nil
	}
	created, err := v.store.Create(ctx, entries)
	if err != nil {
		return nil, err
	}
	for j, id := range created {
		ids[entryAt[j]] = id
		v.remember(entries[j].Key, id, erasures)
	}
	return ids, nil
}

// Lookup returns the lake id of an identifier, if it has one. It never makes
// one: asking about a person must not create them. A suppressed identifier has
// none.
func (v *Vault) Lookup(ctx context.Context, project, kind, value string) (id string, ok bool, err error) {
	ids, found, err := v.store.Find(ctx, []Key{v.key(Identifier{Project: project, Kind: kind, Value: value})})
	if err != nil || !found[0] || ids[0] == Suppressed {
		return "", false, err
	}
	return ids[0].String(), true, nil
}

// IsSuppressed tells that a person asked never to be recorded under an
// identifier.
func (v *Vault) IsSuppressed(ctx context.Context, project, kind, value string) (bool, error) {
	ids, found, err := v.store.Find(ctx, []Key{v.key(Identifier{Project: project, Kind: kind, Value: value})})
	return err == nil && found[0] && ids[0] == Suppressed, err
}

// Suppress has events under an identifier dropped from now on. It is for an
// identifier that is not known; what is known is suppressed by erasing it.
func (v *Vault) Suppress(ctx context.Context, project, kind, value string) error {
	k := v.key(Identifier{Project: project, Kind: kind, Value: value})
	_, err := v.store.Create(ctx, []Entry{{Key: k, ID: Suppressed}})
	v.ids.Remove(k)
	return err
}
