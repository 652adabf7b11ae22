package profile

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Why an update is refused. The words are shown to the client and never hold a
// name or a value that was sent.
const (
	reasonUnknownOperator = "there is no such operator"
	reasonNoOperand       = "the operator needs a value"
	reasonOperandNumber   = "the value to add is not a number"
	reasonStoredNumber    = "the stored value is not a number"
	reasonSealedNumber    = "the trait is personal, so it is kept sealed and nothing can be added to it; count under a name that is not personal"
	reasonTooMuch         = "the operators of this request go over more than 32 MB of lists; send fewer updates at once, or keep shorter lists"
	reasonNumberRange     = "the sum would need more digits than are kept; use numbers of up to 1000 digits and similar size"
	reasonStoredList      = "the stored value is not a list"
	reasonOperandJSON     = "the value is not valid JSON"
	reasonValueTooLarge   = "the value would be larger than 256 KB"
	reasonProfileTooLarge = "the profile would be larger than 1 MB"
	reasonOtherKind       = "the profile is a person's and not a group's of this kind, or the other way round"
	reasonTooManyTraits   = "the profile would have more than 2000 properties"
)

// do applies one operator. It returns why not, or nothing.
func (d *draft) do(op *Op) (reason string) {
	if op.Kind == Delete {
		d.wipe()
		return ""
	}
	i := d.find(op.Name)
	if op.Kind == Unset {
		if i >= 0 {
			d.take(i)
		}
		return ""
	}
	if len(op.Value) == 0 {
		return reasonNoOperand
	}

	// absent is nil; a stored null is the text "null", which is a value like any
	// other: $set_once leaves it, $add and the list operators do not fit it.
	var stored []byte
	if i >= 0 {
		stored = d.traits[i].Value
	}
	var value []byte
	switch op.Kind {
	case Set:
		value = op.Value
	case SetOnce:
		if stored != nil {
			return ""
		}
		value = op.Value
	case Add:
		value, reason = add(stored, op.Value)
	case Append:
		value, reason = appendItem(stored, op.Value)
	case Union:
		value, reason = union(stored, op.Value, op.Same)
	case Remove:
		if stored == nil {
			return ""
		}
		value, reason = remove(stored, op.Value, op.Same)
	default:
		return reasonUnknownOperator
	}
	if reason != "" {
		return reason
	}
	return d.put(i, op.Name, value)
}

// appendItem puts item at the end of a list without reading the items: a list
// of thousands of purchases is copied once.
func appendItem(stored, item []byte) (list []byte, reason string) {
	item = bytes.TrimSpace(item)
	if stored == nil {
		return joinItems(item), ""
	}
	if !isList(stored) {
		return nil, reasonStoredList
	}
	body := bytes.TrimSpace(stored)
	body = bytes.TrimSpace(body[1 : len(body)-1])
	if len(body) == 0 {
		return joinItems(item), ""
	}
	return joinItems(body, item), ""
}

// union adds the operand's items, or the operand itself if it is no list, that
// the stored list does not hold. Items that are there stay as they were sent, but an
// item of same, which are other forms of the operand, gives way to the operand's.
func union(stored, operand []byte, same []json.RawMessage) (list []byte, reason string) {
	var have []json.RawMessage
	if stored != nil {
		if !isList(stored) {
			return nil, reasonStoredList
		}
		if json.Unmarshal(stored, &have) != nil {
			return nil, reasonStoredList
		}
	}
	more, ok := itemsOf(operand)
	if !ok {
		return nil, reasonOperandJSON
	}
	grown := stored == nil
	if len(same) > 0 && stored != nil {
		if have, grown, ok = reseal(have, more, same); !ok {
			return nil, reasonStoredList
		}
	}

	seen := make(map[string]bool, len(have)+len(more))
	for _, item := range have {
		key, ok := canonical(item)
		if !ok {
			return nil, reasonStoredList
		}
		seen[key] = true
	}
	for _, item := range more {
		key, ok := canonical(item)
		if !ok {
			return nil, reasonOperandJSON
		}
		if !seen[key] {
			seen[key] = true
			have = append(have, item)
			grown = true
		}
	}
	if !grown {
		return stored, ""
	}
	return joinItems(have...), ""
}

// itemsOf are a list's items, or the value itself if it is no list.
func itemsOf(operand []byte) (items []json.RawMessage, ok bool) {
	if !isList(operand) {
		return []json.RawMessage{bytes.TrimSpace(operand)}, true
	}
	return items, json.Unmarshal(operand, &items) == nil
}

// reseal puts the operand's sealed items in the place of those that a list holds in
// another form, unless it holds them as well. It is not ok where a list cannot be read.
func reseal(have, sealed, same []json.RawMessage) (list []json.RawMessage, changed, ok bool) {
	boxOf := make(map[string]json.RawMessage, len(sealed))
	for _, form := range same {
		items, ok := itemsOf(form)
		if !ok || len(items) != len(sealed) {
			return nil, false, false
		}
		for i, item := range items {
			key, ok := canonical(item)
			if !ok {
				return nil, false, false
			}
			boxOf[key] = sealed[i]
		}
	}
	keys, there := make([]string, len(have)), make(map[string]bool, len(have))
	for i, item := range have {
		if keys[i], ok = canonical(item); !ok {
			return nil, false, false
		}
		there[keys[i]] = true
	}
	list = make([]json.RawMessage, 0, len(have))
	for i, item := range have {
		if box, is := boxOf[keys[i]]; is {
			changed = true
			key, _ := canonical(box)
			if there[key] {
				continue
			}
			there[key], item = true, box
		}
		list = append(list, item)
	}
	return list, changed, true
}

// remove takes every item out of a list that equals the operand, in whichever form.
// Mixpanel does not say whether the first goes or all; all is what "remove" promises.
func remove(stored, operand []byte, same []json.RawMessage) (list []byte, reason string) {
	if !isList(stored) {
		return nil, reasonStoredList
	}
	var have []json.RawMessage
	if json.Unmarshal(stored, &have) != nil {
		return nil, reasonStoredList
	}
	unwanted := make([]string, 0, 1+len(same))
	for _, form := range append([]json.RawMessage{operand}, same...) {
		key, ok := canonical(form)
		if !ok {
			return nil, reasonOperandJSON
		}
		unwanted = append(unwanted, key)
	}
	kept := make([]json.RawMessage, 0, len(have))
	for _, item := range have {
		key, ok := canonical(item)
		if !ok {
			return nil, reasonStoredList
		}
		if !slices.Contains(unwanted, key) {
			kept = append(kept, item)
		}
	}
	if len(kept) == len(have) {
		return stored, ""
	}
	return joinItems(kept...), ""
}

func isList(value []byte) bool {
	v := bytes.TrimSpace(value)
	return len(v) >= 2 && v[0] == '['
}

func joinItems[T ~[]byte](items ...T) []byte {
	n := 2
	for _, item := range items {
		n += len(item) + 1
	}
	list := append(make([]byte, 0, n), '[')
	for i, item := range items {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, item...)
	}
	return append(list, ']')
}
