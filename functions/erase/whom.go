package erase

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"loch/shared/audit"
	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/vault"
	"loch/shared/web"
)

const devicePrefix = "$device:" // as Mixpanel marks a distinct_id that is a device's

// whom is whom a request is about, as it was asked.
type whom struct {
	asked    string
	groupKey string
	by       string // "" for any identifier, or "user", "device", "email", "person"
}

// readWhom reads the path and the parameters group_key and by.
func readWhom(r *http.Request, parameters map[string]string) (whom, error) {
	q := whom{asked: web.DistinctID(r), groupKey: parameters["group_key"], by: parameters["by"]}
	switch {
	case q.asked == "" || q.asked == devicePrefix:
		return q, fault.New(fault.Invalid, "the id is empty").At("distinct_id")
	case len(q.asked) > event.MaxIDBytes:
		return q, fault.Newf(fault.Invalid, "the id has %d bytes; none that is taken in has more than %d", len(q.asked), event.MaxIDBytes).At("distinct_id")
	case !utf8.ValidString(q.asked):
		return q, fault.New(fault.Invalid, "the id is not UTF-8; escape its bytes as UTF-8 in the URL").At("distinct_id")
	case len(q.groupKey) > event.MaxIDBytes || !utf8.ValidString(q.groupKey):
		return q, fault.New(fault.Invalid, "the group key is too long or not UTF-8").At("group_key")
	case q.groupKey != "" && q.by != "":
		return q, fault.New(fault.Invalid, "a group is found by its id alone; leave by out").At("by")
	}
	switch q.by {
	case "", "user", "device", "email":
	case "id": // as a look-up spells it
		q.by = ""
	case "person":
		if !vault.IsID(q.asked) {
			return q, fault.New(fault.Invalid, "with by=person the id is a person_id, as SQL has it: 32 lower-case hexadecimal digits").At("distinct_id")
		}
	default:
		return q, fault.New(fault.Invalid, "an id is read by=id, which is the default, or by=user, device, email or person").At("by")
	}
	return q, nil
}

// readings are what the id may mean as an identifier: without its kind it may be
// a user's or a device's. There are none for an e-mail and a person_id.
func (q whom) readings() []event.ID {
	device, marked := strings.CutPrefix(q.asked, devicePrefix)
	switch {
	case q.groupKey != "":
		return []event.ID{{Kind: event.IDGroup + q.groupKey, Value: q.asked}}
	case q.by == "user":
		return []event.ID{{Kind: event.IDUser, Value: q.asked}}
	case q.by == "device" || q.by == "" && marked:
		return []event.ID{{Kind: event.IDDevice, Value: device}}
	case q.by == "":
		return []event.ID{{Kind: event.IDUser, Value: q.asked}, {Kind: event.IDDevice, Value: q.asked}}
	}
	return nil
}

// person is somebody who was found: a person, a group, or an identifier that has
// events and no profile.
type person struct {
	id      string   // lake id
	ids     []string // all lake ids that are this person, the person's own first
	profile *profile.Profile
}

// find returns everybody to whom the id leads, without making anybody. An id
// whose readings are not linked leads to two, an e-mail to all who have it.
func (h *handler) find(ctx context.Context, projectID string, q whom) ([]person, error) {
	if q.by == "email" {
		return h.byEmail(ctx, projectID, q.asked)
	}
	lakeIDs, err := h.lakeIDs(ctx, projectID, q)
	if err != nil {
		return nil, err
	}
	// The id may be a person_id, as SQL and look-ups show it. Whether one without
	// a profile ever was anybody's, nobody can tell.
	bare := len(lakeIDs) == 0 && (q.by == "" || q.by == "person") && q.groupKey == "" && vault.IsID(q.asked)
	if bare {
		lakeIDs = []string{q.asked}
	}
	var found []person
	for _, id := range lakeIDs {
		if slices.ContainsFunc(found, func(p person) bool { return slices.Contains(p.ids, id) }) {
			continue
		}
		p, err := h.person(ctx, projectID, id)
		if err != nil {
			return nil, err
		}
		if bare && p.profile == nil && len(p.ids) == 1 {
			continue
		}
		found = append(found, p)
	}
	return found, nil
}

// erasedBefore finds somebody whom the ledger knows as erased, by a lake id, so that
// the rows can be removed later as well. Nothing else leads to them any more.
func (h *handler) erasedBefore(ctx context.Context, projectID string, q whom) ([]person, error) {
	if !vault.IsID(q.asked) || q.groupKey != "" || q.by != "" && q.by != "person" {
		return nil, nil
	}
	p := person{id: q.asked, ids: []string{q.asked}}
	known := false
	err := h.Audit.Walk(ctx, 1, func(e audit.Entry) error {
		if e.Kind != audit.EraseDone || e.Project != projectID || !slices.Contains(e.IDs, q.asked) {
			return nil
		}
		known = true
		for _, id := range e.IDs {
			if !slices.Contains(p.ids, id) {
				p.ids = append(p.ids, id)
			}
		}
		return nil
	})
	if err != nil || !known {
		return nil, err
	}
	return []person{p}, nil
}

// lakeIDs are the lake ids that the id itself leads to.
func (h *handler) lakeIDs(ctx context.Context, projectID string, q whom) ([]string, error) {
	var ids []string
	for _, reading := range q.readings() {
		id, ok, err := h.Vault.Lookup(ctx, projectID, reading.Kind, reading.Value)
		if err != nil {
			return nil, err
		}
		if ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// byEmail finds people by an e-mail that they have now. The vault's index also
// holds those whom they had once, which may be somebody else's by now.
func (h *handler) byEmail(ctx context.Context, projectID, text string) ([]person, error) {
	if h.NormalEmail == nil {
		return nil, fault.New(fault.Invalid, "people cannot be found by e-mail here").At("by")
	}
	email, ok := h.NormalEmail(text)
	if !ok {
		return nil, fault.New(fault.Invalid, "with by=email the id is an e-mail address, and this is none").At("distinct_id")
	}
	ids, err := h.Vault.ByEmail(ctx, projectID, email)
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	var found []person
	for _, id := range ids {
		if slices.ContainsFunc(found, func(p person) bool { return slices.Contains(p.ids, id) }) {
			continue
		}
		p, err := h.person(ctx, projectID, id)
		if err != nil {
			return nil, err
		}
		if p.profile == nil {
			continue
		}
		traits, sealed, err := h.Vault.OpenTraits(ctx, projectID, p.ids, p.profile.Traits)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(traits, func(t profile.Trait) bool {
			return slices.Contains(sealed, t.Name) && h.holdsEmail(t.Value, email)
		}) {
			found = append(found, p)
		}
	}
	return found, nil
}

// holdsEmail tells a trait that is the e-mail, or a list with it, however deep.
func (h *handler) holdsEmail(value json.RawMessage, email string) bool {
	return slices.ContainsFunc(profile.Texts(value), func(text string) bool {
		have, ok := h.NormalEmail(text)
		return ok && have == email
	})
}

func (h *handler) person(ctx context.Context, projectID, id string) (person, error) {
	p := person{id: id}
	linked, err := h.Profiles.Linked(ctx, projectID, id)
	if err != nil {
		return p, err
	}
	found, err := h.Profiles.Get(ctx, projectID, id)
	switch {
	case err == nil:
		p.profile = &found
		if vault.IsID(found.ID) {
			p.id = found.ID
		}
	case fault.CodeOf(err) != fault.NotFound:
		return p, err
	}
	others := append(slices.Clone(linked), id)
	others = slices.DeleteFunc(others, func(other string) bool { return other == p.id })
	slices.Sort(others)
	p.ids = append([]string{p.id}, slices.Compact(others)...)
	for _, id := range p.ids {
		if !vault.IsID(id) {
			return p, fault.New(fault.Internal, "a lake id is not 32 hexadecimal digits")
		}
	}
	return p, nil
}
