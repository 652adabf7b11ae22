package vault

import "context"

// Value is a personal value that stood in an event, and whose it was: the lake
// id of the event's user or device, with whose erasure the token goes. Owner may
// be empty.
type Value struct {
	Project string
	Owner   string
	Rule    string
	Value   string
}

// valueKind is the kind of identifier under which tokens are kept.
const valueKind = "value:"

// Tokens returns a random id for each value, the same for equal values of a
// project, making those that do not exist. Random, because a keyed hash could be
// computed again after its person was erased.
func (v *Vault) Tokens(ctx context.Context, values []Value) ([]ID, error) {
	identifiers := make([]Identifier, len(values))
	owners := make([]ID, len(values))
	for i := range values {
		identifiers[i] = Identifier{values[i].Project, valueKind + values[i].Rule, values[i].Value}
		if values[i].Owner != "" {
			var err error
			if owners[i], err = parseID(values[i].Owner); err != nil {
				return nil, err
			}
		}
	}
	ids, err := v.make(ctx, identifiers, owners)
	if err != nil {
		return nil, err
	}
	// A value that somebody else has sent before gets this owner as well. What is
	// known to be written is not written again.
	var owned []Owned
	for i := range identifiers {
		if owners[i] == (ID{}) {
			continue
		}
		o := Owned{owners[i], v.key(identifiers[i])}
		if _, ok := v.owned.Get(o); !ok {
			owned = append(owned, o)
		}
	}
	if len(owned) > 0 {
		if err := v.store.Own(ctx, owned); err != nil {
			return nil, err
		}
		for _, o := range owned {
			v.owned.Add(o, struct{}{})
		}
	}
	return ids, nil
}
