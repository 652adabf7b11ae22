package vault

import (
	"context"

	"loch/shared/event"
)

// IDs returns the lake id of each identifier, in order, making those that do
// not exist yet. They are durable when it returns. A suppressed identifier has
// the id Suppressed, and so has one that is not known yet and is suppressed as the
// other kind: a device's id that comes as a user's.
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
	var unknown []Identifier
	for j, k := range missing {
		if ok[j] {
			ids[at[j]] = found[j]
			v.remember(k, found[j], erasures)
			continue
		}
		entries, entryAt, unknown = append(entries, Entry{Key: k, Project: identifiers[at[j]].Project}), append(entryAt, at[j]), append(unknown, identifiers[at[j]])
	}
	if len(entries) == 0 {
		return ids, nil
	}
	suppressed, err := v.twinsSuppressed(ctx, unknown)
	if err != nil {
		return nil, err
	}
	for j := range entries {
		if suppressed[j] {
			continue // its id is Suppressed from now on, and nobody's
		}
		e := &entries[j]
		if err := v.random(e.ID[:], "a lake id"); err != nil {
			return nil, err
		}
		if e.Owner = e.ID; owners != nil && owners[entryAt[j]] != (ID{}) {
			e.Owner = owners[entryAt[j]]
		}
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

// twin is the same text as the other of the two kinds that an id without a mark may
// be: a device's id is also sent where a user's stands, and the reverse.
func twin(i Identifier) (other Identifier, ok bool) {
	switch i.Kind {
	case event.IDUser:
		i.Kind = event.IDDevice
	case event.IDDevice:
		i.Kind = event.IDUser
	default:
		return i, false
	}
	return i, true
}

// twinsSuppressed tells of each identifier that is not known whether its twin is
// suppressed. Who asked never to be recorded must not be, under the same id in
// another place; the vault knows hashes only, so this shows when the id comes.
func (v *Vault) twinsSuppressed(ctx context.Context, identifiers []Identifier) ([]bool, error) {
	suppressed := make([]bool, len(identifiers))
	var keys []Key
	var at []int
	for i, identifier := range identifiers {
		if other, ok := twin(identifier); ok {
			keys, at = append(keys, v.key(other)), append(at, i)
		}
	}
	if len(keys) == 0 {
		return suppressed, nil
	}
	ids, found, err := v.store.Find(ctx, keys)
	if err != nil {
		return nil, err
	}
	for j := range keys {
		suppressed[at[j]] = found[j] && ids[j] == Suppressed
	}
	return suppressed, nil
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

// Known tells of each lake id, in order, whether an identifier of the project leads to
// it. Nobody else has one: nothing of such a person could be found, or erased, by what
// the website calls them.
//
// Builds before 2026-11-28 did not note of whom which project made them. Such a person
// is the project's whose key opens theirs; who has no key is the project's if hasProfile
// says that there is a profile in it.
func (v *Vault) Known(ctx context.Context, projectID string, ids []string, hasProfile func(id string) (bool, error)) ([]bool, error) {
	owners := make([]ID, len(ids))
	for i, text := range ids {
		var err error
		if owners[i], err = parseID(text); err != nil {
			return nil, err
		}
	}
	known, projects, err := v.store.Known(ctx, owners)
	if err != nil {
		return nil, err
	}
	for i := range owners {
		switch {
		case !known[i]:
		case projects[i] != "":
			known[i] = projects[i] == projectID
		default:
			if known[i], err = v.wasMadeIn(ctx, projectID, owners[i], hasProfile); err != nil {
				return nil, err
			}
		}
	}
	return known, nil
}

// wasMadeIn is Known for somebody of whom no project is noted.
func (v *Vault) wasMadeIn(ctx context.Context, projectID string, owner ID, hasProfile func(id string) (bool, error)) (bool, error) {
	wrapped, err := v.store.FindPersonKeys(ctx, []ID{owner})
	if err != nil {
		return false, err
	}
	if wrapped[0] == nil {
		return hasProfile(owner.String())
	}
	wrapping, err := v.projectKey(ctx, projectID)
	if err != nil {
		return false, err
	}
	_, err = openPersonKey(wrapping, projectID, owner, wrapped[0])
	return err == nil, nil // it is another project's, or nobody can open it
}

// IsSuppressed tells that a person asked never to be recorded under an
// identifier, be it a user's or a device's. One that is known as somebody's is not
// suppressed by its twin.
func (v *Vault) IsSuppressed(ctx context.Context, project, kind, value string) (bool, error) {
	identifier := Identifier{Project: project, Kind: kind, Value: value}
	ids, found, err := v.store.Find(ctx, []Key{v.key(identifier)})
	if err != nil {
		return false, err
	}
	if found[0] {
		return ids[0] == Suppressed, nil
	}
	suppressed, err := v.twinsSuppressed(ctx, []Identifier{identifier})
	return err == nil && suppressed[0], err
}

// Suppress has events under an identifier dropped from now on. It is for an
// identifier that is not known; what is known is suppressed by erasing it.
func (v *Vault) Suppress(ctx context.Context, project, kind, value string) error {
	k := v.key(Identifier{Project: project, Kind: kind, Value: value})
	_, err := v.store.Create(ctx, []Entry{{Key: k, ID: Suppressed}})
	v.ids.Remove(k)
	return err
}
