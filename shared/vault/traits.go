package vault

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"

	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/rawjson"
)

// SealUpdates seals the operands that are marked as personal, each under the key
// of the person, device or group that its update is about (Owner, else ID). A list is sealed item
// by item, so that the store can add to it and take from it; the operand of $append and $remove is
// one item, also where it is a list itself. Raw is sealed by whoever rejects the
// record, so it is left alone.
func (v *Vault) SealUpdates(ctx context.Context, updates []profile.Update) error {
	owners, sealers := map[string][]ID{}, map[string][]ID{} // by project
	for i := range updates {
		u := &updates[i]
		if !slices.ContainsFunc(u.Ops, isPersonal) {
			continue
		}
		owner, err := parseID(cmp.Or(u.Owner, u.ID))
		if err != nil {
			return err
		}
		owners[u.Project] = append(owners[u.Project], owner)
		for _, sealer := range u.Sealers {
			if owner, err = parseID(sealer); err != nil {
				return err
			}
			sealers[u.Project] = append(sealers[u.Project], owner)
		}
	}
	for projectID, list := range owners {
		keys, err := v.personKeys(ctx, projectID, list, true)
		if err != nil {
			return err
		}
		var others map[ID]personKey
		if len(sealers[projectID]) > 0 {
			if others, err = v.personKeys(ctx, projectID, sealers[projectID], false); err != nil {
				return err
			}
		}
		for i := range updates {
			u := &updates[i]
			if u.Project != projectID || !slices.ContainsFunc(u.Ops, isPersonal) {
				continue
			}
			id := cmp.Or(u.Owner, u.ID)
			owner, _ := parseID(id) // parsed above
			key := keys[owner]
			for j := range u.Ops {
				if isPersonal(u.Ops[j]) {
					u.Ops[j].Same = sameAs(others, u.Sealers, &u.Ops[j])
					u.Ops[j].Value = key.seal(projectID, id, &u.Ops[j])
				}
			}
		}
	}
	return nil
}

// isPersonal tells an operator whose operand is to be sealed.
func isPersonal(o profile.Op) bool {
	return o.Personal && o.Kind != profile.Unset && o.Kind != profile.Delete && len(o.Value) > 0 && string(o.Value) != "null"
}

// maxTraitDepth is above any decoder's own limit, which has been checked.
const maxTraitDepth = 256

// sameAs is what else a list may hold for the operand of $union or $remove that is
// about to be sealed: it as it is, and its tags under the keys of others.
func sameAs(others map[ID]personKey, sealers []string, op *profile.Op) (same []json.RawMessage) {
	if op.Kind != profile.Union && op.Kind != profile.Remove {
		return nil
	}
	same = append(same, op.Value)
	for _, sealer := range sealers {
		owner, _ := parseID(sealer) // parsed above
		if key, known := others[owner]; known && key.aead != nil {
			same = append(same, eachItem(op, func(b, item []byte) []byte { return key.tagOf(sealer, op.Name, item).Append(b) }))
		}
	}
	return same
}

func (k *personKey) seal(projectID, owner string, op *profile.Op) json.RawMessage {
	return eachItem(op, func(b, item []byte) []byte { return k.sealOne(b, projectID, owner, op.Name, item) })
}

// eachItem appends what one makes of the operand, or of each item of the list that it is.
func eachItem(op *profile.Op, one func(b, item []byte) []byte) json.RawMessage {
	value := op.Value
	if value[0] != '[' || op.Kind == profile.Append || op.Kind == profile.Remove {
		return one(nil, value)
	}
	out := []byte{'['}
	c := rawjson.Cursor{Buf: value, MaxDepth: maxTraitDepth}
	c.Open(rawjson.Array)
	for first := true; ; first = false {
		more, err := c.More(first, ']')
		if err != nil || !more {
			return append(out, ']')
		}
		start, err := c.Value()
		if err != nil {
			return append(out, ']')
		}
		if !first {
			out = append(out, ',')
		}
		out = one(out, value[start:c.Pos])
	}
}

func (k *personKey) sealOne(b []byte, projectID, owner, name string, value []byte) []byte {
	s := k.tagOf(owner, name, value)
	s.Box = k.aead.Seal(nil, nil, value, traitContext(projectID, owner, name, keyVersion))
	return s.Append(b)
}

// tagOf is a value by which its sealed forms are known, without one.
func (k *personKey) tagOf(owner, name string, value []byte) profile.Sealed {
	mac := hmac.New(sha256.New, k.tag)
	mac.Write(appendParts(nil, name))
	mac.Write(profile.Canonical(value)) // "é" and "\u00e9" are one value to $union and $remove
	return profile.Sealed{Owner: owner, Version: keyVersion, Tag: mac.Sum(nil)[:16]}
}

// traitContext binds a ciphertext to its place: project, person, field and key
// version. Moved anywhere else it does not open.
func traitContext(projectID, owner, name string, version int) []byte {
	return appendParts(nil, "trait/1", projectID, owner, name, strconv.Itoa(version))
}

// OpenTraits returns the traits with sealed values in clear, and the names of
// those that were sealed. A value is opened only if one of owners, the lake ids
// of the person, sealed it; one that does not open, since its key is gone or it
// was moved, is left out and not named.
func (v *Vault) OpenTraits(ctx context.Context, projectID string, owners []string, traits []profile.Trait) (opened []profile.Trait, names []string, err error) {
	sealers, err := sealersOf(traits, owners)
	if err != nil {
		return nil, nil, err
	}
	var keys map[ID]personKey
	if len(sealers) > 0 { // most profiles that are listed hold nothing sealed
		if keys, err = v.personKeys(ctx, projectID, sealers, false); err != nil {
			return nil, nil, err
		}
	}
	for _, t := range traits {
		if !profile.HoldsSealed(t.Value) {
			opened = append(opened, t)
			continue
		}
		clear, sealed, ok := openValue(keys, projectID, t.Name, t.Value)
		if !ok {
			continue
		}
		opened = append(opened, profile.Trait{Name: t.Name, Value: clear})
		if sealed {
			names = append(names, t.Name)
		}
	}
	return opened, names, nil
}

// sealersOf are those of the owners who sealed anything in the traits: one or two,
// where a person may have a hundred thousand devices.
func sealersOf(traits []profile.Trait, owners []string) (sealers []ID, err error) {
	judged := map[string]bool{}
	for _, t := range traits {
		for _, owner := range profile.SealersOf(t.Value) {
			if judged[owner] {
				continue
			}
			if judged[owner] = true; !slices.Contains(owners, owner) {
				continue
			}
			id, err := parseID(owner)
			if err != nil {
				return nil, err
			}
			sealers = append(sealers, id)
		}
	}
	return sealers, nil
}

// itemsOf are the items of a list that holds something sealed; nil for all else.
func itemsOf(value json.RawMessage) (items []json.RawMessage) {
	if len(value) == 0 || value[0] != '[' || !profile.HoldsSealed(value) || json.Unmarshal(value, &items) != nil {
		return nil
	}
	return items
}

// openValue opens a value and tells whether anything in it was sealed. Of a list,
// what does not open is left out; a list of which nothing is left is not ok.
func openValue(keys map[ID]personKey, projectID, name string, value json.RawMessage) (clear json.RawMessage, sealed, ok bool) {
	if s, is := profile.ParseSealed(value); is {
		owner, err := parseID(s.Owner)
		key, known := keys[owner]
		if err != nil || !known || key.aead == nil {
			return nil, true, false
		}
		clear, err = key.aead.Open(nil, nil, s.Box, traitContext(projectID, s.Owner, name, s.Version))
		return clear, true, err == nil
	}
	items := itemsOf(value)
	if items == nil {
		return value, false, true
	}
	out := []byte{'['}
	for _, item := range items {
		text, is, opens := openValue(keys, projectID, name, item)
		if sealed = sealed || is; !opens {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, text...)
	}
	return append(out, ']'), sealed, len(out) > 1
}

func parseID(text string) (id ID, err error) {
	if n, err := hex.Decode(id[:], []byte(text)); err != nil || n != len(id) || len(text) != 2*len(id) {
		return id, fault.New(fault.Internal, "a lake id is not 32 hexadecimal digits")
	}
	return id, nil
}
