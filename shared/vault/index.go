package vault

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
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

// maxNamesakes is how many people with one e-mail a look-up returns.
const maxNamesakes = 20

// ByEmail returns the lake ids of people who have, or once had, an e-mail.
func (v *Vault) ByEmail(ctx context.Context, projectID, email string) (ids []string, err error) {
	found, err := v.store.FindIndex(ctx, v.emailKey(projectID, email), maxNamesakes)
	if err != nil {
		return nil, err
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
