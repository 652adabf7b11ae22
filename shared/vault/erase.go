package vault

import (
	"context"

	"loch/shared/fault"
)

// Erase takes away everything that ties the lake ids of one person of the project to
// anybody: see Store.Erase. From the moment it returns, this process does not remember
// either; others do for at most CacheFor.
func (v *Vault) Erase(ctx context.Context, projectID string, ids []string, suppress bool) error {
	owners := make([]ID, len(ids))
	for i, text := range ids {
		id, err := parseID(text)
		if err != nil {
			return err
		}
		if id == Suppressed {
			return fault.New(fault.Internal, "nobody has this lake id")
		}
		owners[i] = id
	}
	keys, err := v.store.Erase(ctx, projectID, owners, suppress)
	// Also where it failed: it may have been kept all the same.
	v.erasures.Add(1)
	for _, k := range keys {
		v.ids.Remove(k)
	}
	for _, owner := range owners {
		v.people.Remove(personOf{projectID, owner})
	}
	for _, o := range v.owned.Keys() {
		for _, owner := range owners {
			if o.Owner == owner {
				v.owned.Remove(o)
			}
		}
	}
	return err
}
