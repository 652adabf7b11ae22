package vault

import (
	"context"
	"crypto/cipher"

	"loch/shared/fault"
)

// keyVersion is the generation of people's keys. Who is erased and comes back is
// another person with another lake id, so a person's key is never replaced.
const keyVersion = 1

// personKey is what a person's key opens: a cipher for their traits, and a key
// for the tags by which sealed values are compared.
type personKey struct {
	aead cipher.AEAD
	tag  []byte
}

// personOf is whose key is kept in memory: what one project may open, another may not.
type personOf struct {
	project string
	owner   ID
}

type cachedPerson struct {
	personKey
	until int64
}

// personKeys returns the key of each owner. With create it makes those that are
// missing; without, they are the zero personKey.
func (v *Vault) personKeys(ctx context.Context, projectID string, owners []ID, create bool) (map[ID]personKey, error) {
	keys := make(map[ID]personKey, len(owners))
	var missing []ID
	nowMS, erasures := v.now().UnixMilli(), v.erasures.Load()
	for _, owner := range owners {
		if _, ok := keys[owner]; ok {
			continue
		}
		keys[owner] = personKey{}
		if hit, ok := v.people.Get(personOf{projectID, owner}); ok && nowMS < hit.until {
			keys[owner] = hit.personKey
			continue
		}
		missing = append(missing, owner)
	}
	if len(missing) == 0 {
		return keys, nil
	}
	wrapping, err := v.projectKey(ctx, projectID)
	if err != nil {
		return nil, err
	}
	wrapped, err := v.store.FindPersonKeys(ctx, missing)
	if err != nil {
		return nil, err
	}
	if create {
		if err := v.createPersonKeys(ctx, projectID, wrapping, missing, wrapped); err != nil {
			return nil, err
		}
	}
	for i, owner := range missing {
		if wrapped[i] == nil {
			continue
		}
		k, err := openPersonKey(wrapping, projectID, owner, wrapped[i])
		if err != nil && !create && v.isElsewhere(ctx, projectID, owner) {
			continue // to this project there is no such person
		}
		if err != nil {
			return nil, err
		}
		keys[owner] = k
		v.people.Add(personOf{projectID, owner}, cachedPerson{k, v.fresh()})
		if v.erasures.Load() != erasures {
			v.people.Remove(personOf{projectID, owner}) // as in remember
		}
	}
	return keys, nil
}

// isElsewhere says that a person is known to be another project's.
func (v *Vault) isElsewhere(ctx context.Context, projectID string, owner ID) bool {
	_, projects, err := v.store.Known(ctx, []ID{owner})
	return err == nil && projects[0] != "" && projects[0] != projectID
}

// createPersonKeys fills the places of wrapped that are nil.
func (v *Vault) createPersonKeys(ctx context.Context, projectID string, wrapping cipher.AEAD, owners []ID, wrapped [][]byte) error {
	var fresh []PersonKey
	var at []int
	for i, owner := range owners {
		if wrapped[i] != nil {
			continue
		}
		var key [32]byte
		if err := v.random(key[:], "a person's key"); err != nil {
			return err
		}
		fresh = append(fresh, PersonKey{
			Owner: owner, Project: projectID, Wrapped: wrapping.Seal(nil, nil, key[:], personContext(projectID, owner)),
		})
		at = append(at, i)
		clear(key[:])
	}
	if len(fresh) == 0 {
		return nil
	}
	stored, err := v.store.CreatePersonKeys(ctx, fresh)
	if err != nil {
		return err
	}
	for j, w := range stored {
		wrapped[at[j]] = w
	}
	return nil
}

func openPersonKey(wrapping cipher.AEAD, projectID string, owner ID, wrapped []byte) (personKey, error) {
	key, err := wrapping.Open(nil, nil, wrapped, personContext(projectID, owner))
	if err != nil {
		return personKey{}, fault.New(fault.Internal, "a person's key is damaged, or belongs to another person or project")
	}
	defer clear(key)
	sealing, err := derive(key, "loch/person/seal/1")
	if err != nil {
		return personKey{}, err
	}
	tag, err := derive(key, "loch/person/tag/1")
	if err != nil {
		return personKey{}, err
	}
	aead, err := newGCM(sealing)
	return personKey{aead, tag}, err
}

func personContext(projectID string, owner ID) []byte {
	return append(appendParts(nil, "person/1", projectID), owner[:]...)
}
