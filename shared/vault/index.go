package vault

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"

	"loch/shared/fault"
)

// IndexEmail lets a person be found by an e-mail, which is given in its normal
// form. The entry is a keyed hash; it goes with the person.
func (v *Vault) IndexEmail(ctx context.Context, projectID string, emails []Value) error {
	entries := make([]Owned, 0, len(emails))
	for _, e := range emails {
		owner, err := parseID(e.Owner)
		if err != nil {
			return err
		}
		entries = append(entries, Owned{owner, v.emailKey(projectID, e.Value)})
	}
	if len(entries) == 0 {
		return nil
	}
	return v.store.AddIndex(ctx, entries)
}

// maxNamesakes is how many people can have, or have had, one e-mail. The entries stay
// when somebody gets another e-mail, and a write token is public: with a low bound,
// whoever makes up people of this e-mail could keep the one who has it from being
// found and erased.
const maxNamesakes = 10_000

// ByEmail returns the lake ids of people who have, or once had, an e-mail: all of
// them, or fault.TooLarge.
func (v *Vault) ByEmail(ctx context.Context, projectID, email string) (ids []string, err error) {
	found, err := v.store.FindIndex(ctx, v.emailKey(projectID, email), maxNamesakes+1)
	if err != nil {
		return nil, err
	}
	if len(found) > maxNamesakes {
		return nil, fault.Newf(fault.TooLarge, "more than %d people have or had this e-mail; ask for the person by an identifier", maxNamesakes)
	}
	for _, id := range found {
		ids = append(ids, id.String())
	}
	return ids, nil
}

func (v *Vault) emailKey(projectID, email string) (k Key) {
	mac := hmac.New(sha256.New, v.index)
	mac.Write(appendParts(nil, "email", projectID, email))
	mac.Sum(k[:0])
	return k
}
